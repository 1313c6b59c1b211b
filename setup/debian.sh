# Debian packages: only those whose work is not yet done by something on this machine.
# shellcheck shell=bash disable=SC2034

packages_title="Debian packages"
packages_there() { [[ ! -e $cluster && -z $(missing_packages) ]]; }
packages_make() {
    local missing
    mapfile -t missing < <(missing_packages)
    require_root "${missing[@]}"
    trap let_services_start EXIT
    keep_services_still
    echo "missing: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    dpkg --configure -a # an interrupted installation is finished first
    apt-get update
    apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}"
    keep_installed_services_off "${missing[@]}"
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]} == 0)) || fail "still missing after the installation:" "${missing[@]}"
}

# One name a line. Without an answer from this machine (a program, a library) the package is asked for.
missing_packages() {
    python_there || python_command >/dev/null || echo python3-venv
    [[ $purpose != check ]] || return 0
    have mosquitto || echo mosquitto
    java_runs_kafka || echo default-jre-headless
    kafka_there || have mvn || echo maven
    timescaledb_there || timescaledb_packages
    # the weekly page as PDF, in Greek
    absent libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core fonts-noto-core
    [[ $purpose != test ]] || have chromium || echo chromium
}

have() { command -v "$1" >/dev/null; }

java_runs_kafka() { # Kafka 4 asks for Java 17
    have java && java -version 2>&1 | awk -F '[".]' '/version/ { exit !($2 >= 17) }'
}

# absent NAME…: those that dpkg does not know as installed
absent() {
    comm -23 <(printf '%s\n' "$@" | sort) <(
        dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
            sed -n 's/^installed //p' | sort
    )
}

debian() { # the release's number, 0 elsewhere
    (. /etc/os-release && [[ $ID == debian ]] && echo "$VERSION_ID") || echo 0
}

# --- Services stay still -----------------------------------------------------------------------
# Debian starts a service when its package is installed. These run as the demo's own children instead,
# and ports 1883 and 5432 stay free. Both marks go when the installation ends, ours alone; one that
# is still there tells of an installation that was killed.
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.d/kel-setup.conf

keep_services_still() {
    if [[ ! -e $policy ]]; then
        install -m 755 /dev/stdin "$policy" <<<$'#!/bin/sh\n# kel-setup\nexit 101'
    fi
    mkdir -p "${cluster%/*}"
    echo 'create_main_cluster = false' >"$cluster"
}

let_services_start() {
    ! grep -qs '^# kel-setup$' "$policy" || rm -f "$policy"
    rm -f "$cluster"
}

# What was not here before must not start by itself with the next boot either.
keep_installed_services_off() {
    [[ " $* " != *" mosquitto "* ]] || update-rc.d mosquitto disable
}

# --- Without root ------------------------------------------------------------------------------
require_root() {
    local install="    apt-get update && apt-get install --no-install-recommends $*"
    if (($(debian) < 12)); then
        fail "This set-up knows Debian 12 and 13; elsewhere: docker compose up" ${1:+"Missing: $*"}
    elif (($(id -u))); then
        fail "This step needs root. As root:" ${1:+"$install"} "    setup/setup.sh $purpose" \
            "or, with Docker and nothing else: docker compose up"
    fi
}

fail() {
    printf '%s\n' "$@"
    exit 1
}
