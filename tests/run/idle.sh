#!/bin/sh
# idle.sh COMMAND...: runs COMMAND on what all others leave of the processors. The idle policy does that within
# a session only: the kernel shares them between sessions first (autogroups), for those who begin one of their
# own, as meson does for each test and playwright for its browser.
if [ -w /proc/self/autogroup ]; then
    echo 19 >/proc/self/autogroup || true # refused when somebody else has just written one
fi
exec chrt --idle 0 "$@"
