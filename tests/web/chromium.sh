#!/bin/sh
# Debian's Chromium, in a session of its own by now: the car it looks at comes first on the processors, what only
# computes comes last.
exec "$(dirname -- "$0")/../run/idle.sh" -n 10 /usr/bin/chromium "$@"
