# shellcheck shell=bash
# Shared by all scripts here: `. scripts/lib.sh`. Messages go to standard error, so that what a script prints on standard
# output (an address, say) can be used by another.

# Colours are for people; in a log file the codes would only be in the way.
if [ -t 2 ]; then
    bold=$'\033[1m' red=$'\033[1;31m' plain=$'\033[0m'
else
    bold='' red='' plain=''
fi

# What tests, checks and the debug build select for cargo. One selection, so that every crate gets one set of features and
# is compiled once. (`ssr` and `hydrate` must not meet in one build; the wasm entry point has one of its own.)
# shellcheck disable=SC2034  # used by those who read this file
selection=(--workspace --exclude aerie-hydrate --features aerie-agent/static,aerie-frontend/ssr)

# linted <cargo…>: with clippy's compiler, which makes the same programs and denies what the lints deny. Checked and compiled
# in one pass: `cargo clippy` would go through every crate a second time.
linted() {
    RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-Dwarnings__CLIPPY_HACKERY__ \
        RUSTC_WRAPPER="$PWD/scripts/rustc-agent" "$@"
}

# say <text>: one step, as it begins.
say() {
    printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2
}

# fail <text>: says what is missing or went wrong, and ends the script.
fail() {
    printf '%sCannot go on:%s %s\n' "$red" "$plain" "$*" >&2
    exit 1
}

# need_root <why>
need_root() {
    [ "$(id -u)" = 0 ] || fail "Please run this as root: $1"
}

# wait_for <seconds> <command…>: succeeds as soon as the command does.
wait_for() {
    local until=$((SECONDS + $1))
    shift
    while ! "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.1
    done
}

# pid_in <file>: the number in a pid file, or nothing.
pid_in() {
    local pid=
    if [ -r "$1" ]; then
        read -r pid _ <"$1" || true
    fi
    case "$pid" in
        '' | *[!0-9]*) ;;
        *) printf '%s\n' "$pid" ;;
    esac
}

# runs_as <pid> <program>: whether that process exists and is that program. A pid file outlives its process, and after a
# restart of the machine the number may belong to anything.
runs_as() {
    [ -n "$1" ] && [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ]
}

# find_program <name>: Debian's own first, because another client earlier in PATH may be too new for its daemon.
find_program() {
    local folder
    for folder in /usr/bin /usr/sbin; do
        if [ -x "$folder/$1" ]; then
            printf '%s\n' "$folder/$1"
            return
        fi
    done
    command -v "$1"
}

# docker_cli <arguments…>: the Docker client, for the daemon that scripts/docker looks after.
docker_cli() {
    local client
    client="$(find_program docker)" || fail "There is no Docker client. Please run scripts/packages."
    env -u DOCKER_CONTEXT -u DOCKER_TLS_VERIFY \
        DOCKER_HOST="unix://${AERIE_DOCKER_SOCKET:-/var/run/docker.sock}" "$client" "$@"
}
