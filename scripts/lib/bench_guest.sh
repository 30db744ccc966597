# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# What scripts/bench adds to the test guest; part of scripts/guest, whose functions and variables it uses.
#
#   build/guest/bench-initrd.img   initrd.img, and behind it a second archive with the workloads (tests/guest/bench), openssl, gcc,
#                                  iperf3 and chrony. Linux unpacks one after the other, so the ordinary guest stays small
#   build/guest/bench-root         the same programs with all their libraries, for the client's side: iperf3 and chronyd of the same
#                                  version, whatever the host has. Called through their own ld.so
#   build/guest/bench-packages     what it was made of

BENCH_FILES=$FT_ROOT/tests/guest/bench
# Programs of the host: what the client runs. Programs of the guest: these and more.
BENCH_PROGRAMS="usr/bin/iperf3 usr/sbin/chronyd usr/bin/chronyc usr/bin/openssl"

fetch_bench_packages() {
    local root compiler wanted
    root=$(guest_apt)
    compiler=$(apt_in "$root" apt-cache depends gcc | awk '/Depends: gcc-[0-9]+$/ { print $2; exit }')
    [ -n "$compiler" ] || die "Debian $SUITE offers no gcc; try another FT_GUEST_SUITE"
    # Without the compiler's sanitizers, and what only installation scripts need.
    wanted=$(closure openssl iperf3 chrony "$compiler" libxxhash-dev libc6-dev | grep -E '^(lib|zlib1g$|linux-libc-dev|gcc-|cpp-|binutils|iperf3|openssl|chrony)' |
        grep -vE 'perl|^lib(pam|sem|sep|audit|db|gdbm|asan|tsan|lsan|ubsan|itm|quadmath|gprofng|tirpc|nsl|bpf|elf)')
    # shellcheck disable=SC2086
    download "$WORK/bench-deb" $wanted
    (cd "$WORK/bench-deb" && sha256sum -- *.deb) >"$OUT/bench-packages"
}

# install_program FILE TREE DESTINATION: a program and its libraries. The destination has its libraries in one folder, as the guest.
install_program() {
    local lib libs
    mkdir -p "$(dirname "$3")"
    cp -L "$1" "$3"
    libs=$(needed_libraries "$2" "$1")
    for lib in $libs; do
        [ -e "$BENCH_ROOT/lib/$(basename "$lib")" ] || cp -L "$lib" "$BENCH_ROOT/lib/"
    done
}

# gcc where it looks for its parts, and the headers that the workload includes.
install_compiler() {
    local tree=$1 cc1 folder file header
    cc1=$(cd "$tree" && find usr/lib/gcc* -name cc1 | head -n1)
    [ -n "$cc1" ] || die "no package has cc1; did Debian $SUITE move it?"
    folder=$(dirname "$cc1")
    install_program "$tree/$cc1" "$tree" "$BENCH_ROOT/$cc1"
    # Debian 13 has the programs under lib/gcc too, or in libexec; gcc finds cc1 in both.
    for file in "$tree"/usr/bin/x86_64-linux-gnu-gcc-[0-9]*; do install_program "$file" "$tree" "$BENCH_ROOT/usr/bin/gcc"; done
    install_program "$tree/usr/bin/x86_64-linux-gnu-as" "$tree" "$BENCH_ROOT/usr/bin/as"
    cc -M -O1 -nostdinc -isystem "$tree/usr/lib/gcc/x86_64-linux-gnu/$(basename "$folder")/include" \
        -isystem "$tree/usr/include/x86_64-linux-gnu" -isystem "$tree/usr/include" "$BENCH_FILES/rootfs/root/compiled.c" |
        tr ' \\' '\n\n' | grep "^$tree/usr" | while read -r header; do
        mkdir -p "$BENCH_ROOT/$(dirname "${header#"$tree"/}")"
        cp -L "$header" "$BENCH_ROOT/${header#"$tree"/}"
    done
}

make_bench_root() {
    local tree=$WORK/bench-tree program
    BENCH_ROOT=$WORK/bench-root
    rm -rf "$BENCH_ROOT"
    mkdir -p "$BENCH_ROOT"/{bin,lib,lib64}
    cp -a "$BENCH_FILES/rootfs/." "$BENCH_ROOT/"
    for program in $BENCH_PROGRAMS; do
        install_program "$tree/$program" "$tree" "$BENCH_ROOT/bin/$(basename "$program")"
    done
    install_compiler "$tree"
    mv "$BENCH_ROOT/lib/ld-linux-x86-64.so.2" "$BENCH_ROOT/lib64/"
    # Static: the host's libc may be newer than the guest's.
    logged "$OUT/bench-cc.log" cc -O2 -static -Wall -Wextra -Werror -o "$BENCH_ROOT/bin/ft-work" "$BENCH_FILES/ft-work.c" -lm
}

# The archive for the guest: without the libraries that initrd.img has.
pack_bench_root() {
    local archive=$WORK/bench-archive lib
    rm -rf "$archive"
    cp -a "$BENCH_ROOT" "$archive"
    for lib in "$archive"/lib/* "$archive"/lib64/*; do
        [ ! -e "$WORK/root/${lib#"$archive"/}" ] || rm "$lib"
    done
    "$FT_PYTHON" "$FT_ROOT/scripts/lib/mkcpio.py" "$archive" "$WORK/bench.cpio"
    zstd -q -f -12 -T0 "$WORK/bench.cpio" -o "$WORK/bench.cpio.zst"
    cat "$OUT/initrd.img" "$WORK/bench.cpio.zst" >"$OUT/bench-initrd.new"
    rm -rf "$archive" "$WORK"/bench.cpio*
}

make_bench_guest() {
    local hash
    hash=$(content_hash "$FT_ROOT/scripts/lib/bench_guest.sh" "$BENCH_FILES" "$OUT/stamp")
    if [ -z "$REFRESH" ] && stamp_is "$OUT/bench-stamp" "$hash" && [ -f "$OUT/bench-initrd.img" ] && [ -d "$OUT/bench-root" ]; then
        say "build/guest/bench-initrd.img is up to date"
        return
    fi
    need apt-get dpkg-deb readelf zstd sha256sum cc
    rm -f "$OUT/bench-stamp"
    if ! have "$WORK/bench-deb" "$OUT/bench-packages"; then
        fetch_bench_packages
    fi
    unpack "$WORK/bench-deb" "$WORK/bench-tree"
    say "putting the benchmark's files together"
    make_bench_root
    pack_bench_root
    mv "$OUT/bench-initrd.new" "$OUT/bench-initrd.img"
    rm -rf "$OUT/bench-root" "$WORK/bench-tree"
    mv "$BENCH_ROOT" "$OUT/bench-root"
    echo "$hash" >"$OUT/bench-stamp"
    say "made build/guest/bench-initrd.img: $(du -h "$OUT/bench-initrd.img" | cut -f1)"
}
