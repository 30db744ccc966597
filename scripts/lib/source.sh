# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Getting QEMU's source through apt, which checks it: the Debian source package of the version that is built, and the original
# tarballs of the other versions that the series must apply to. Needs common.sh.

FT_SERIES=10.0
FT_SRC=$FT_BUILD/src
FT_TARBALLS=$FT_BUILD/apt/src
FT_PATCHES=${FT_PATCH_DIR:-$FT_ROOT/qemu-patches}

source_root() { apt_root qemu deb-src trixie trixie-security bookworm-backports; }

# Prints "DEBIAN-VERSION UPSTREAM-VERSION" of each QEMU of the series that Debian offers, newest last.
source_offers() {
    apt_in qemu apt-cache showsrc --only-source qemu | sed -n 's/^Version: //p' | sort -uV |
        while read -r version; do
            upstream=${version#*:}
            echo "$version ${upstream%%[+-]*}"
        done | awk -v series="$FT_SERIES." 'index($2, series) == 1'
}

# Prints the upstream version to build: the one named in qemu-patches/UPSTREAM if it is there or offered, else the newest offered.
source_version() {
    local pinned offers
    pinned=$(upstream_field version)
    if [ -n "$pinned" ] && [ -f "$FT_SRC/qemu-$pinned/VERSION" ]; then
        echo "$pinned"
        return
    fi
    source_root >&2
    offers=$(source_offers | awk '{ print $2 }' | sort -V)
    [ -n "$offers" ] || die "apt offers no QEMU $FT_SERIES.y; name a tarball with --tarball"
    if [ -n "$pinned" ] && grep -qx "$pinned" <<<"$offers"; then
        echo "$pinned"
    else
        tail -n1 <<<"$offers"
    fi
}

# Prints one field of qemu-patches/UPSTREAM; nothing when there is none.
upstream_field() { [ ! -f "$FT_PATCHES/UPSTREAM" ] || sed -n "s/^$1: *//p" "$FT_PATCHES/UPSTREAM"; }

# Fetches FILE of the source package with apt's own downloader and the hash that apt prints.
fetch_source_file() {
    local package=$1 pattern=$2 uri name hash
    read -r uri name hash < <(apt_in qemu apt-get source --print-uris --download-only "qemu=$package" 2>/dev/null |
        sed -n "s/^'\([^']*\)' \([^ ]*\) [0-9]* \(.*\)$/\1 \2 \3/p" | awk -v p="$pattern" '$2 ~ p { print; exit }')
    [ -n "${uri:-}" ] || die "apt lists no file like '$pattern' for QEMU $package; run apt-get update and try again"
    case ${hash:-} in SHA256:* | SHA512:*) ;; *) die "apt prints no sha256 for $name; it cannot be trusted" ;; esac
    if [ "$(sha256sum "$FT_TARBALLS/$name" 2>/dev/null | cut -d' ' -f1)" != "${hash#SHA256:}" ]; then
        mkdir -p "$FT_TARBALLS"
        say "fetching $name" >&2
        logged "$FT_TARBALLS/fetch.log" /usr/lib/apt/apt-helper -o Acquire::Retries=4 -o APT::Sandbox::User="$(id -un)" \
            download-file "$uri" "$FT_TARBALLS/$name" "$hash"
    fi
    echo "$FT_TARBALLS/$name"
}

# Prints the path of the original tarball of an upstream version.
source_orig() {
    local version=$1 package have
    for have in "$FT_TARBALLS/qemu_$version"*.orig.tar.xz; do
        if [ -f "$have" ] && [ -f "$have.checked" ]; then
            echo "$have"
            return
        fi
    done
    source_root >&2
    package=$(source_offers | awk -v v="$version" '$2 == v { print $1; exit }')
    [ -n "$package" ] || die "apt no longer offers QEMU $version; name a tarball with --tarball"
    have=$(fetch_source_file "$package" '[.]orig[.]tar[.]xz$')
    [ -n "$have" ] || exit 1
    touch "$have.checked"
    echo "$have"
}

# Makes build/src/qemu-VERSION, with Debian's patches applied (they make it build without firmware blobs), and prints its path.
source_tree() {
    local version=$1 tree=$FT_SRC/qemu-$1 package dsc pattern
    if [ ! -f "$tree/VERSION" ]; then
        source_root >&2
        package=$(source_offers | awk -v v="$version" '$2 == v { p = $1 } END { print p }')
        [ -n "$package" ] || die "apt no longer offers QEMU $version; name a tarball with --tarball, or another --version"
        source_orig "$version" >/dev/null
        for pattern in '[.]debian[.]tar[.]xz$' '[.]dsc$'; do
            dsc=$(fetch_source_file "$package" "$pattern")
            [ -n "$dsc" ] || exit 1
        done
        say "unpacking QEMU $package" >&2
        rm -rf "$tree.new"
        mkdir -p "$FT_SRC"
        logged "$FT_SRC/unpack.log" dpkg-source --no-check -x "$dsc" "$tree.new"
        echo "$package" >"$FT_SRC/qemu-$version.package"
        rm -rf "$tree"
        mv "$tree.new" "$tree"
    fi
    echo "$tree"
}

# Makes build/src/qemu-VERSION from a tarball that the user names, and prints its path.
source_tree_from_tarball() {
    local tarball=$1 sum version tree
    [ -f "$tarball" ] || die "there is no file $tarball"
    version=$(tar -xOf "$tarball" --wildcards --no-wildcards-match-slash '*/VERSION' 2>/dev/null | head -n1)
    [ -n "$version" ] || die "$tarball holds no QEMU (there is no VERSION in it)"
    case $version in "$FT_SERIES".*) ;; *) die "$tarball holds QEMU $version, but the series is for $FT_SERIES.y" ;; esac
    sum=$(sha256sum "$tarball" | cut -c1-12)
    tree=$FT_SRC/qemu-$version-$sum
    if [ ! -f "$tree/VERSION" ]; then
        say "unpacking $tarball" >&2
        rm -rf "$tree.new"
        mkdir -p "$tree.new"
        tar -xf "$tarball" -C "$tree.new" --strip-components=1
        mv "$tree.new" "$tree"
    fi
    echo "$tree"
}
