#!/bin/sh
# Starts the broker in its container: docker-entry.sh PASSWORD_FILE COMMAND…
# Every variable MQTT_LOGIN_<NAME>=<password> makes a login: <NAME> in small letters, _ as -, so
# that MQTT_LOGIN_AGIOS_STEFANOS is the gateway "agios-stefanos". mosquitto/acl says what each may.
# Passwords go from the environment into the file through this shell alone: never into an argument.
set -eu
umask 077
file=$1
shift

refuse() {
    echo "docker-entry.sh: $1" >&2
    exit 1
}

: >"$file"
trap 'rm -f "$file.env"' EXIT
env >"$file.env" # read below in this shell, so that a refusal ends it
while IFS= read -r line; do
    case $line in
        MQTT_LOGIN_*=*) ;;
        *) continue ;;
    esac
    name=${line%%=*}
    password=${line#*=}
    [ -n "$password" ] || continue
    login=$(printf '%s' "${name#MQTT_LOGIN_}" | tr 'A-Z_' 'a-z-')
    [ "${#password}" -ge 12 ] || refuse "$name: a password has 12 characters or more"
    case $password in
        *:*) refuse "$name: a password has no colon" ;;
    esac
    printf '%s:%s\n' "$login" "$password" >>"$file"
done <"$file.env"
rm -f "$file.env"

[ -s "$file" ] || refuse "no MQTT_LOGIN_… is set: nobody could log in"
mosquitto_passwd -U "$file"
[ "$(id -u)" != 0 ] || chown mosquitto:mosquitto "$file"

# The broker itself needs no password of anybody.
for name in $(env | sed -n 's/^\(MQTT_LOGIN_[A-Za-z0-9_]*\)=.*/\1/p'); do
    unset "$name"
done
exec "$@"
