# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# The guest that lives on a drive; part of scripts/guest, whose functions and variables it uses.
#
#   build/guest/disk.img           ext4, raw and sparse: a Debian root file system made by mmdebstrap, with PostgreSQL (fsync on), redis
#                                  (appendfsync always), fio and what the tests' other guest has. Booted with build/guest/vmlinuz and
#                                  initrd.img, whose ft-root mounts it, as Debian's own initramfs would
#   build/guest/disk-packages      what it was made of
#
# Needs no root: mmdebstrap falls back to a user namespace (with subordinate uids, uidmap's newuidmap), and fakeroot remembers the
# owners of files while mke2fs reads them.

DISK_FILES=$FT_ROOT/tests/guest/disk
DISK_PACKAGES=postgresql,redis-server,fio,busybox-static
DISK_MIB=1024
# Left out: what nobody reads here, and PostgreSQL's compiler, which is as large as all the rest and switched off (ft.conf: jit).
DISK_WITHOUT=('/usr/share/doc/*' '/usr/share/man/*' '/usr/share/info/*' '/usr/share/locale/*' '/usr/share/i18n/*' '/usr/lib/*/libLLVM*')

# The file system as a tar, straight from Debian: postinst scripts have run, PostgreSQL's cluster exists.
fetch_disk_root() {
    local root path words=()
    root=$(guest_apt)
    for path in "${DISK_WITHOUT[@]}"; do
        words+=("--dpkgopt=path-exclude=$path")
    done
    say "mmdebstrap: Debian $SUITE with $DISK_PACKAGES"
    logged "$OUT/mmdebstrap.log" mmdebstrap --variant=minbase --format=tar --include=$DISK_PACKAGES \
        --aptopt='APT::Install-Recommends "false"' "${words[@]}" \
        "$SUITE" "$WORK/disk-root.tar" "$FT_BUILD/apt/$root/sources.list"
    tar -xOf "$WORK/disk-root.tar" ./var/lib/dpkg/status |
        awk '/^Package: / { name = $2 } /^Version: / { print name, $2 }' >"$OUT/disk-packages"
}

# Inside fakeroot. pack_disk TAR FOLDER IMAGE MIB SOURCE...: the tar and the trees of the sources as one file system.
pack_disk() {
    local tar=$1 tree=$2 image=$3 mib=$4 source applet cluster
    shift 4
    set -e
    mkdir -p "$tree"
    tar -xf "$tar" -C "$tree" --exclude='./dev/*'
    for source in "$@"; do
        cp -r --no-preserve=ownership "$source/." "$tree/"
    done
    mkdir -p "$tree"/{data,www}
    # What Debian's root has not, busybox has.
    for applet in $("$tree/bin/busybox" --list); do
        [ -e "$tree/usr/bin/$applet" ] || [ -e "$tree/usr/sbin/$applet" ] || ln -sf /bin/busybox "$tree/usr/local/bin/$applet"
    done
    ln -sf /bin/busybox "$tree/sbin/init"
    for cluster in "$tree"/etc/postgresql/*/main; do
        cp "$tree/etc/postgresql-ft/ft.conf" "$cluster/conf.d/"
        cp "$tree/etc/postgresql-ft/pg_hba.conf" "$cluster/"
    done
    chown -R --reference="$tree/var/lib/postgresql" "$tree"/etc/postgresql
    # No lazy initialisation: an idle guest must not write.
    mke2fs -q -t ext4 -E lazy_itable_init=0,lazy_journal_init=0 -d "$tree" "$image" "${mib}M"
}

make_disk_image() {
    local tree=$WORK/disk-tree own=$WORK/disk-own image=$OUT/disk.img.new
    say "making the ext4 image"
    rm -rf "$tree" "$own" "$image"
    # The scripts of the tests' other guest, but not its configuration of init.
    mkdir -p "$own/usr/bin"
    cp "$ROOTFS"/bin/ft-* "$own/usr/bin/"
    cp -r "$ROOTFS/etc" "$ROOTFS/www" "$own/"
    cp -r "$DISK_FILES/rootfs/." "$own/"
    "$FT_PYTHON" "$FT_ROOT/scripts/lib/mkfile.py" --whole "$own/www/file.bin" >/dev/null
    logged "$OUT/disk-image.log" fakeroot -- bash -c "$(declare -f pack_disk); pack_disk \"\$@\"" pack_disk \
        "$WORK/disk-root.tar" "$tree" "$image" $DISK_MIB "$own"
    rm -rf "$tree" "$own"
    mv "$image" "$OUT/disk.img"
}

make_disk_guest() {
    local root_hash hash
    # Two stamps: an edit of our own files brings no new download.
    root_hash=$(printf '%s\n' "$SUITE" "$DISK_PACKAGES" "${DISK_WITHOUT[@]}" | sha256sum | cut -d' ' -f1)
    hash=$(content_hash "$FT_ROOT/scripts/lib/disk_guest.sh" "$FT_ROOT/scripts/lib/mkfile.py" "$DISK_FILES" "$ROOTFS")-$root_hash
    if [ -z "$REFRESH" ] && stamp_is "$OUT/disk-stamp" "$hash" && [ -f "$OUT/disk.img" ]; then
        say "build/guest/disk.img is up to date"
        return
    fi
    need mmdebstrap fakeroot mke2fs tar
    [ "$(id -u)" = 0 ] || grep -q "^$(id -un):" /etc/subuid 2>/dev/null ||
        die "--disk needs root, or subordinate uids for $(id -un) in /etc/subuid and /etc/subgid"
    rm -f "$OUT/disk-stamp"
    if [ -n "$REFRESH" ] || ! stamp_is "$WORK/disk-root.stamp" "$root_hash" || [ ! -s "$WORK/disk-root.tar" ]; then
        rm -f "$WORK/disk-root.stamp"
        fetch_disk_root
        echo "$root_hash" >"$WORK/disk-root.stamp"
    fi
    make_disk_image
    echo "$hash" >"$OUT/disk-stamp"
    say "made build/guest/disk.img: $(du -h "$OUT/disk.img" | cut -f1) of $DISK_MIB MiB"
}
