#!/bin/sh
# Sends one message of a device, or waits for calls and answers them.
#
# usage: mosquitto.sh HOST PORT TOKEN telemetry|attributes JSON
#        mosquitto.sh HOST PORT TOKEN calls COUNT
#
# With CA in the environment (a file of authorities) the connection is TLS; with CERT and KEY the device is known by its
# certificate, and TOKEN is -.
set -eu
host=$1 port=$2 token=$3 what=$4 argument=$5

connect() {
    program=$1
    shift
    set -- -h "$host" -p "$port" -q 1 "$@"
    [ "$token" = - ] || set -- -u "$token" "$@"
    [ -z "${CA:-}" ] || set -- --cafile "$CA" "$@"
    [ -z "${CERT:-}" ] || set -- --cert "$CERT" --key "$KEY" "$@"
    "$program" "$@"
}

case $what in
telemetry | attributes) connect mosquitto_pub -t "v1/devices/me/$what" -m "$argument" ;;
calls)
    # A subscriber of its own would be a second session of the device: the answers go through REST's one-way calls or a
    # library. Here every call is shown.
    connect mosquitto_sub -t v1/devices/me/rpc/request/+ -C "$argument" -F '%t %p' -W 60
    ;;
*)
    echo "what is $what?" >&2
    exit 2
    ;;
esac
