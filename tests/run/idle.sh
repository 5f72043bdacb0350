#!/bin/sh
# idle.sh [-n NICE] COMMAND...: runs COMMAND, which begins a session, on what others leave of the processors.
# The kernel shares them between sessions first (autogroups), by NICE, and only then, within each, by policy.
nice=19
if [ "$1" = -n ]; then
    nice=$2
    shift 2
fi
if [ -w /proc/self/autogroup ]; then
    echo "$nice" >/proc/self/autogroup || true # refused when somebody else has just written one
fi
exec chrt --idle 0 "$@"
