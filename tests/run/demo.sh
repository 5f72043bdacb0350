#!/usr/bin/env bash
# demo.sh --frames PATH [--vlm URL] [AGENT-OPTION...]: dry-runs the agent over frames.
#
# Standard output belongs to the agent alone (--json is read by programs). Two children, the
# stand-in and the agent, both in our process group. A Ctrl-C therefore reaches the agent by itself
# and us; a TERM reaches only us and is handed on. Both children are told to go by their id when we
# end, and by the kernel (pdeathsig) should we be killed.
set -euo pipefail

# What one question to Gemma 4 E2B takes on the PC in the house, at the median.
service_ms=18.4

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build
vlm=
frames=
config=$root/config/demo.conf
rest=()

value_of() { # OPTION COUNT-OF-WORDS-LEFT
    if (($2 < 2)); then
        echo "demo: $1 needs a value" >&2
        exit 64
    fi
}

while (($# > 0)); do
    case $1 in
    --frames | --vlm | --config)
        value_of "$1" $#
        declare "${1#--}=$2"
        shift
        ;;
    --frames=* | --vlm=* | --config=*)
        name=${1%%=*}
        declare "${name#--}=${1#*=}"
        ;;
    *) rest+=("$1") ;;
    esac
    shift
done
if [[ ! -e $frames ]]; then
    echo "demo: $frames: there is no such folder or file" >&2
    exit 65
fi

standin=
agent=
temporary=

# Waits up to three seconds for a child to end.
is_gone() {
    local i
    for ((i = 0; i < 60; i++)); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.05 || true # a Ctrl-C ends the sleep as well
    done
    return 1
}

# Ends a child that may be gone already.
end() {
    kill -TERM "$1" 2>/dev/null || return 0
    is_gone "$1" || kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# shellcheck disable=SC2317  # the trap calls it
cleanup() {
    trap '' INT TERM HUP
    if [[ -n $agent ]]; then
        end "$agent"
    fi
    if [[ -n $standin ]]; then
        end "$standin"
    fi
    if [[ -n $temporary ]]; then
        rm -rf -- "$temporary"
    fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

"$root/tests/run/build.sh" "$build" >&2
temporary=$(mktemp -d)

# Prints nothing; sets `vlm`.
start_standin() {
    local line i
    # A shell starts background programs with SIGINT ignored: good here, a Ctrl-C must not take the
    # server away while the agent still finishes its frame.
    setpriv --pdeathsig TERM "$build/vlm/standin/turbonav-standin" --listen 127.0.0.1:0 \
        --service "$service_ms" >"$temporary/standin.out" 2>"$temporary/standin.err" </dev/null &
    standin=$!
    for ((i = 0; i < 200; i++)); do
        line=$(head -n 1 -- "$temporary/standin.out")
        if [[ $line == 'listening on '* ]]; then
            vlm=${line#listening on }
            return
        fi
        kill -0 "$standin" 2>/dev/null || break
        sleep 0.05
    done
    cat -- "$temporary/standin.err" >&2
    echo "demo: the stand-in did not start" >&2
    exit 69
}

if [[ -z $vlm ]]; then
    start_standin
    echo "demo: asking the stand-in at $vlm: it looks at the picture, but is no model," \
        "and takes $service_ms ms" >&2
fi

# From here on a signal ends the agent, and the agent's own exit code is ours.
trap ':' INT
trap 'kill -TERM "$agent" 2>/dev/null || true' TERM HUP
env --default-signal=INT,QUIT setpriv --pdeathsig TERM "$build/agent/turbonav-agent" \
    --dry-run --frames "$frames" --config "$config" --vlm "$vlm" "${rest[@]}" </dev/null &
agent=$!
code=0
wait "$agent" || code=$?
if ((code > 128)); then
    # Either a signal ended the agent, or we caught one and it ended our wait: then the agent gets
    # time for its last words.
    is_gone "$agent" || end "$agent"
    code=0
    wait "$agent" || code=$?
fi
agent=
exit "$code"
