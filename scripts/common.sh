# shellcheck shell=bash
# Functions of the scripts; sourced, never run. Expects bash and `set -euo pipefail`.

# Says something to the person in front of the terminal.
say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$@"
    exit 1
}

# Puts the Swift toolchain on PATH.
find_swift() {
    command -v swift >/dev/null && return
    if [ -x /opt/swift/usr/bin/swift ]; then
        PATH="/opt/swift/usr/bin:$PATH"
        export PATH
        return
    fi
    fail "Swift 6.3 is needed, and no swift is on PATH or in /opt/swift/usr/bin: see https://www.swift.org/install/linux"
}

# Prints a TCP port that was free a moment ago; $1 ports, one a line, if given.
free_ports() {
    /usr/bin/python3 - "${1:-1}" <<'PYTHON'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print("\n".join(str(s.getsockname()[1]) for s in sockets))
PYTHON
}

# Waits until process $1 answers 200 at URL $2, at most $3 seconds. Status 1: it ended or did not answer in time.
wait_until_ready() {
    local deadline=$((SECONDS + $3))
    until curl -sf -o /dev/null --max-time 2 "$2"; do
        kill -0 "$1" 2>/dev/null || return 1
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

# Asks process $1 to end and waits for it, at most $2 seconds.
stop_process() {
    local deadline=$((SECONDS + $2))
    kill -TERM "$1" 2>/dev/null || return 0
    while kill -0 "$1" 2>/dev/null; do
        if [ $SECONDS -ge $deadline ]; then
            say "process $1 did not end in $2 s; killing it"
            kill -KILL "$1" 2>/dev/null || true
            return 1
        fi
        sleep 0.1
    done
}

# Makes a folder for a server's data that the user `postgres` can reach, and prints its path.
make_data_folder() {
    local folder
    folder=$(mktemp -d "${TMPDIR:-/tmp}/needletail.XXXXXX")
    chmod 755 "$folder"
    printf '%s\n' "$folder"
}
