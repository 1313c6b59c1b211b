#!/usr/bin/env bash
# Makes a Debian 12 or 13 machine ready. Safe to repeat and to interrupt; quick when all is there.
#
#   setup/setup.sh demo     everything that `make demo` needs
#   setup/setup.sh test     the same and a browser, for `make test`
#   setup/setup.sh check    only the virtual environment, for `make check`
#
# A step is a pair of functions: NAME_there says whether there is nothing to do, NAME_make does it.
# Progress goes to stderr, everything else to .kel/log/NAME.log, so stdout stays the command's own.
# shellcheck disable=SC2034 # a step's title is read by its name
set -euo pipefail
export LC_ALL=C.UTF-8 # one language for what is parsed, a point in $EPOCHREALTIME
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

purpose=${1:-demo}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$root/.kel
case $purpose in
    demo | test) steps=(packages timescaledb kafka python project history) ;;
    check) steps=(packages python project) ;;
    *) sed -n '2,6s/^# \?//p' "$0" >&2 && exit 2 ;;
esac

# shellcheck source=setup/debian.sh
source "$root/setup/debian.sh"
# shellcheck source=setup/timescaledb.sh
source "$root/setup/timescaledb.sh"

main() {
    mkdir -p "$work/log"
    exec 9>"$work/setup.lock"
    flock --nonblock 9 || { say "another set-up is running here, waiting for it" && flock 9; }
    cd "$root"
    local number=0 name
    for name in "${steps[@]}"; do
        step $((number += 1)) "$name"
    done
}

# --- Apache Kafka's jars -----------------------------------------------------------------------
kafka_title="Apache Kafka"
kafka_jars=$work/kafka
kafka_key() { key kafka_make kafka/pom.xml; }
kafka_there() { stamped "$kafka_jars/.stamp" "$(kafka_key)"; }
kafka_make() {
    rm -rf "$kafka_jars.part"
    mvn --batch-mode --quiet --strict-checksums --file kafka/pom.xml \
        dependency:copy-dependencies -DoutputDirectory="$kafka_jars.part/lib"
    rm -rf "$kafka_jars"
    mv "$kafka_jars.part" "$kafka_jars"
    stamp "$kafka_jars/.stamp" "$(kafka_key)"
}

# --- The virtual environment -------------------------------------------------------------------
# A virtual environment cannot be moved, so it is made in place: one without its stamp is made anew.
python_title="Python packages"
python_key() { key python_make requirements/lock.txt && echo "$root"; }
python_there() {
    stamped .venv/.stamp "$(python_key)" && .venv/bin/python -c ''
}
python_make() {
    "$(python_command)" -m venv --clear .venv
    # Wheels only: building one would fetch build tools that no hash vouches for.
    .venv/bin/pip install --quiet --no-input --disable-pip-version-check \
        --require-hashes --only-binary :all: --requirement requirements/lock.txt
    stamp .venv/.stamp "$(python_key)"
}

# The first Python on the PATH that the lock holds for and that can make a virtual environment.
python_command() {
    local candidate
    for candidate in $(type -ap python3 python3.13 python3.12 python3.11) /usr/bin/python3; do
        "$candidate" 2>/dev/null -c '
import sys, venv, ensurepip
sys.exit(not (3, 11) <= sys.version_info < (3, 14))' && echo "$candidate" && return
    done
    return 1
}

# --- The project itself ------------------------------------------------------------------------
project_title="KEL itself"
project_key() { key project_make pyproject.toml && echo "$root"; }
project_there() { stamped .venv/.project "$(project_key)"; }
project_make() {
    # "compat" links the folder by its path: packages added later are seen at once.
    .venv/bin/pip install --quiet --no-input --disable-pip-version-check \
        --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
    stamp .venv/.project "$(project_key)"
}

# --- The example city's six weeks before the demo's day ------------------------------------------
# `kel demo --prepare` works them out once and keeps them; made again when what they follow from changes.
history_title="history of the example city"
history_key() {
    key history_make && find config kel ingest rules dispatch -type f \
        \( -name '*.py' -o -path 'config/*' \) -print0 | sort -z | xargs -0r sha256sum | sha256sum
}
history_there() { stamped "$work/history.stamp" "$(history_key)"; }
history_make() {
    .venv/bin/kel demo --prepare
    stamp "$work/history.stamp" "$(history_key)"
}

# --- How steps run -----------------------------------------------------------------------------
say() { printf '%s\n' "$*" >&2; }

# step NUMBER NAME: one line, with the time it took; the log's end when it fails
step() {
    local title=$2_title log=$work/log/$2.log started=$EPOCHREALTIME status=0
    printf '[%d/%d] %s … ' "$1" "${#steps[@]}" "${!title}" >&2
    if "$2_there"; then
        say "already there"
        return
    fi
    set +e # errexit holds within ( ) only where nobody asks for its status
    (
        set -e
        trap 'exit 130' INT # a subshell does not inherit these, and its EXIT trap tidies up
        trap 'exit 143' TERM
        "$2_make"
    ) >"$log" 2>&1
    status=$?
    set -e
    if ((status > 128)); then
        say "interrupted"
        exit "$status"
    elif ((status)); then
        say "failed; the end of $log:"
        tail -n 25 "$log" >&2
        exit "$status"
    fi
    say "$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f s", b - a }')"
}

# key FUNCTION FILE…: changes when how a step is done or what it is done with changes
key() { { declare -f "$1" && cat "${@:2}" </dev/null; } | sha256sum; }

stamped() { [[ -f $1 && $(<"$1") == "$2" ]]; }

# A stamp is written last and whole or not at all: an interrupted step leaves none.
stamp() { printf '%s\n' "$2" >"$1.part" && mv "$1.part" "$1"; }

main
