#!/bin/sh
# A device that has nothing but curl.
#
# usage: http.sh URL TOKEN telemetry|attributes JSON     sends values
#        http.sh URL TOKEN read KEYS                     prints shared attributes, keys separated by commas
#        http.sh URL TOKEN updates SECONDS               waits for a change of shared attributes and prints it
#        http.sh URL TOKEN calls COUNT                   waits for calls, and answers each with what it was asked
#        http.sh URL TOKEN ask METHOD JSON               calls the platform and prints the answer of its rule chain
#        http.sh URL TOKEN claim SECRET                  offers itself for a minute to whoever knows the secret
#        http.sh URL TOKEN firmware TITLE VERSION FILE   downloads firmware
#
# Ends with the status of curl, which is not 0 when the platform refuses. With CA in the environment (a file of authorities)
# the URL is one of https.
set -eu
device=$1/api/v1/$2 what=$3
shift 3

request() {
    [ -z "${CA:-}" ] || set -- --cacert "$CA" "$@"
    curl --silent --show-error "$@"
}

case $what in
telemetry | attributes) request --fail --json "$1" "$device/$what" ;;
read) request --fail "$device/attributes?sharedKeys=$1" && echo ;;
updates) request --fail "$device/attributes/updates?timeout=${1}000" && echo ;;
calls)
    count=$1
    while [ "$count" -gt 0 ]; do
        answer=$(request --write-out ' %{http_code}' "$device/rpc?timeout=20000")
        call=${answer% *}
        case ${answer##* } in
        200) echo "$call" ;;
        # The end of a poll without a call: the next one follows.
        408) continue ;;
        *)
            echo "refused with ${answer##* }" >&2
            exit 1
            ;;
        esac
        id=${call#*\"id\":}
        id=${id%%[!0-9]*}
        request --fail --json "{\"did\":$call}" "$device/rpc/$id"
        count=$((count - 1))
    done
    ;;
ask) request --fail --json "{\"method\":\"$1\",\"params\":$2}" "$device/rpc" && echo ;;
claim) request --fail --json "{\"secretKey\":\"$1\",\"durationMs\":60000}" "$device/claim" ;;
firmware) request --fail --get --data-urlencode "title=$1" --data-urlencode "version=$2" --output "$3" "$device/firmware" ;;
*)
    echo "what is $what?" >&2
    exit 2
    ;;
esac
