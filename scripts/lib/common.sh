# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Common code of the scripts: progress lines, errors, steps that are skipped when nothing changed, and a private apt root.
#
# A private apt root has its own sources, lists, cache and (empty) package status, so that it can read another Debian release than
# the host's and needs no root. The mirror's address comes from the host's apt configuration and is written into no file of the project.

set -euo pipefail
export LC_ALL=C.UTF-8

FT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
FT_BUILD=${FT_BUILD_DIR:-$FT_ROOT/build}
FT_KEYRING=${FT_DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
FT_JOBS=${FT_JOBS:-$(nproc)}
FT_SCRIPT=$(basename "$0")
FT_PYTHON=/usr/bin/python3
[ -x "$FT_PYTHON" ] || FT_PYTHON=python3

# One progress line: [mm:ss] script: text
say() { printf '[%02d:%02d] %s: %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$FT_SCRIPT" "$*"; }

# One sentence that says what is wrong and what to do.
die() { printf '%s: %s\n' "$FT_SCRIPT" "$*" >&2; exit 1; }

# Prints the comment block at the top of the script, after the license line, as its help.
usage() { awk 'NR < 4 { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' "$0"; exit; }

need() {
    local c
    for c in "$@"; do
        command -v "$c" >/dev/null || die "the program '$c' is missing; run scripts/setup"
    done
}

# logged LOGFILE COMMAND...: runs it with output in the log; shows the end of the log when it fails.
logged() {
    local log=$1 rc=0
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null || rc=$?
    if [ $rc -ne 0 ]; then
        tail -n "${FT_LOG_LINES:-25}" "$log" >&2
        die "'$(basename "$1")' failed (exit $rc); the whole output is in $log"
    fi
}

# progress LOGFILE TITLE COMMAND...: like logged, for long commands: every 20 s a line with the last "[n/m]" of ninja.
progress() {
    local log=$1 title=$2 rc=0 pid waited=0
    shift 2
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    # shellcheck disable=SC2064
    trap "kill $pid 2>/dev/null || true" EXIT
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.1
        waited=$((waited + 1))
        if [ $((waited % 200)) -eq 0 ]; then
            say "$title: $(grep -o '^\[[0-9]*/[0-9]*\]' "$log" | tail -n1)"
        fi
    done
    wait "$pid" || rc=$?
    trap - EXIT
    if [ $rc -ne 0 ]; then
        # The first failure and what the compiler said about it; without one, the end of the log.
        if grep -q '^FAILED:' "$log"; then
            sed -n '/^FAILED:/,$p' "$log" | head -n "${FT_LOG_LINES:-60}" | cut -c1-2000 >&2
        else
            tail -n "${FT_LOG_LINES:-25}" "$log" >&2
        fi
        die "$title failed (exit $rc); the whole output is in $log"
    fi
}

# Sha256 of the contents and names of files; directories are walked. Missing files count as such.
content_hash() {
    local f
    for f in "$@"; do
        if [ -d "$f" ]; then
            find "$f" -type f -print0 | sort -z | xargs -0r sha256sum
        elif [ -e "$f" ]; then
            sha256sum "$f"
        else
            echo "missing $f"
        fi
    done | sed "s|$FT_ROOT/||" | sha256sum | cut -d' ' -f1
}

# stamp_is FILE HASH: true when FILE holds HASH.
stamp_is() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

# Takes the lock of one kind of work, so that two runs do not write the same tree. Held until the script ends.
lock() {
    local file="$FT_BUILD/.lock-$1"
    mkdir -p "$FT_BUILD"
    exec {FT_LOCK_FD}>"$file"
    if ! flock -n "$FT_LOCK_FD"; then
        say "waiting for another run that works on '$1'"
        flock "$FT_LOCK_FD"
    fi
}

# The address of the Debian mirror that the host's apt uses.
debian_mirror() {
    local site
    if [ -n "${FT_DEBIAN_MIRROR:-}" ]; then
        printf '%s\n' "$FT_DEBIAN_MIRROR"
        return
    fi
    site=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 2>/dev/null |
        awk '$1 !~ /security/ && $2 !~ /security/ && $3 == "main" { print $1; exit }')
    [ -n "$site" ] || die "apt knows no Debian mirror; name one in FT_DEBIAN_MIRROR"
    printf '%s\n' "$site"
}

# The address of the security archive that the host's apt uses; empty when it has none.
debian_security_mirror() {
    apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 2>/dev/null |
        awk '$2 ~ /-security$/ && $3 == "main" { print $1; exit }'
}

# The codename of the host's release.
host_codename() { (. /etc/os-release && printf '%s\n' "${VERSION_CODENAME:-}"); }

# apt_in ROOT COMMAND...: apt-get or apt-cache on a private root.
apt_in() {
    local dir=$FT_BUILD/apt/$1 tool=$2
    shift 2
    "$tool" -q \
        -o Dir::State="$dir/state" -o Dir::State::status="$dir/status" \
        -o Dir::Cache="$dir/cache" -o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin \
        -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences="$dir/preferences" -o Dir::Etc::PreferencesParts=/dev/null \
        -o APT::Sandbox::User="$(id -un)" -o APT::Architecture=amd64 -o APT::Architectures=amd64 \
        -o APT::Get::AllowUnauthenticated=false -o Acquire::Retries=4 -o Acquire::Languages=none \
        -o Debug::NoLocking=true "$@"
}

# apt_root NAME TYPES SUITE...: makes the private root, and reads its lists unless they are younger than a day.
# TYPES is "deb", "deb-src" or "deb deb-src"; a suite named *-security comes from the security archive.
apt_root() {
    local name=$1 types=$2 dir=$FT_BUILD/apt/$1 type suite site lines=
    shift 2
    [ -r "$FT_KEYRING" ] || die "$FT_KEYRING is missing; install debian-archive-keyring (scripts/setup does)"
    for suite in "$@"; do
        case $suite in
        *-security) site=$(debian_security_mirror) ;;
        *) site=$(debian_mirror) ;;
        esac
        [ -n "$site" ] || continue
        for type in $types; do
            lines+="$type [signed-by=$FT_KEYRING] $site $suite main"$'\n'
        done
    done
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
    touch "$dir/status" "$dir/preferences"
    if [ ! -f "$dir/sources.list" ] || [ "$(cat "$dir/sources.list")" != "${lines%$'\n'}" ]; then
        printf '%s' "$lines" >"$dir/sources.list"
        rm -f "$dir/updated"
    fi
    if [ -z "$(find "$dir/updated" -mmin -1440 2>/dev/null)" ]; then
        say "reading package lists: $*"
        logged "$dir/update.log" apt_in "$name" apt-get update --error-on=any
        touch "$dir/updated"
    fi
}
