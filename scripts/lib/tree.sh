# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The patched QEMU tree (build/qemu) as a git repository: one commit "pristine", then one commit for each patch of the series.
#
# Commits are made in a separate index and the work tree is moved with "git reset": git rewrites only files that differ, so that the
# times of all others stay and ninja rebuilds only what changed. Three things are remembered in the repository:
#   refs/ft/base       the pristine commit
#   refs/ft/applied    the last commit that was equal to the series; edits after it exist nowhere else and are never overwritten
#   .git/ft-source     "VERSION NAME": which source the pristine commit was made from
# Needs common.sh and source.sh.

TREE=${FT_TREE:-$FT_BUILD/qemu}

# Project directories and files that appear in the tree as links; where they lead.
OVERLAY="accel/ft hw/ft-replay net/ft-filter block/ft-filter"
OVERLAY_FILES="qapi/ft.json:accel/ft/ft.json"

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=qemu-ft GIT_AUTHOR_EMAIL=qemu-ft@localhost
export GIT_COMMITTER_NAME=qemu-ft GIT_COMMITTER_EMAIL=qemu-ft@localhost

g() { git -C "$TREE" -c core.fsync=none -c gc.auto=0 -c core.autocrlf=false -c advice.detachedHead=false "$@"; }

# The patches of the series, as paths.
series() {
    local name
    [ -f "$FT_PATCHES/series" ] || return 0
    while read -r name; do
        case $name in '' | '#'*) continue ;; esac
        [ -f "$FT_PATCHES/$name" ] || die "qemu-patches/series names $name, which is not there"
        echo "$FT_PATCHES/$name"
    done <"$FT_PATCHES/series"
}

tree_exists() { [ -d "$TREE/.git" ]; }
tree_base() { g rev-parse -q --verify refs/ft/base 2>/dev/null || g rev-list --max-parents=0 HEAD; }
tree_source() { cat "$TREE/.git/ft-source" 2>/dev/null || g show "$(tree_base):VERSION" | sed 's/.*/& qemu-&/'; }

# The source that a plain "apply" or "build" uses: the one that the tree was made from, unless qemu-patches/UPSTREAM names another
# version; without a tree, the version in UPSTREAM or the newest.
default_source() {
    local pinned name
    pinned=$(upstream_field version)
    if tree_exists; then
        name=$FT_SRC/$(tree_source | cut -d' ' -f2)
        if [ -f "$name/VERSION" ] && { [ -z "$pinned" ] || [ "$pinned" = "$(cat "$name/VERSION")" ]; }; then
            echo "$name"
            return
        fi
    fi
    source_tree "$(source_version)"
}

# True when the work tree holds edits that are in no commit.
tree_dirty() { [ -n "$(g status --porcelain --untracked-files=normal | head -n1)" ]; }

# Links of the project's directories, and the rule that git does not see them.
tree_overlay() {
    local path pair
    for path in $OVERLAY; do
        if [ -d "$FT_ROOT/$path" ]; then
            [ "$(readlink "$TREE/$path")" = "$FT_ROOT/$path" ] || ln -sfn "$FT_ROOT/$path" "$TREE/$path"
        fi
    done
    for pair in $OVERLAY_FILES; do
        path=${pair%%:*}
        if [ -f "$FT_ROOT/${pair#*:}" ]; then
            [ "$(readlink "$TREE/$path")" = "$FT_ROOT/${pair#*:}" ] || ln -sfn "$FT_ROOT/${pair#*:}" "$TREE/$path"
        fi
    done
    for path in $OVERLAY ${OVERLAY_FILES%%:*}; do
        grep -qsx "/$path" "$TREE/.git/info/exclude" || echo "/$path" >>"$TREE/.git/info/exclude"
    done
}

# Takes a tree over that was made by hand: the first commit counts as pristine.
tree_adopt() {
    if ! g rev-parse -q --verify refs/ft/base >/dev/null; then
        g update-ref refs/ft/base "$(g rev-list --max-parents=0 HEAD)"
    fi
    if [ ! -f "$TREE/.git/ft-source" ]; then
        tree_source >"$TREE/.git/ft-source.new"
        mv "$TREE/.git/ft-source.new" "$TREE/.git/ft-source"
    fi
}

# Commits a source directory as a pristine commit without touching the work tree; prints the commit.
tree_commit_source() {
    local source=$1 index=$TREE/.git/ft-index tree
    rm -f "$index"
    GIT_INDEX_FILE=$index git --git-dir="$TREE/.git" --work-tree="$source" -c core.fsync=none -c core.autocrlf=false -c gc.auto=0 \
        add -A -f . >&2
    tree=$(GIT_INDEX_FILE=$index g write-tree)
    rm -f "$index"
    GIT_AUTHOR_DATE='2000-01-01T00:00:00Z' GIT_COMMITTER_DATE='2000-01-01T00:00:00Z' g commit-tree "$tree" -m pristine
}

# tree_chain BASE PATCH...: commits the patches one after the other on BASE, with no fuzz; prints the last commit.
tree_chain() {
    local commit=$1 index=$TREE/.git/ft-index patch date subject
    shift
    rm -f "$index"
    GIT_INDEX_FILE=$index g read-tree "$commit"
    for patch in "$@"; do
        if ! GIT_INDEX_FILE=$index g apply --cached --whitespace=nowarn "$patch" 2>"$TREE/.git/ft-apply.log"; then
            cat "$TREE/.git/ft-apply.log" >&2
            die "$(basename "$patch") does not apply to QEMU $(tree_source | cut -d' ' -f1) without fuzz; adapt it with scripts/patches rebase"
        fi
        # Subject and body as git am takes them.
        git mailinfo -b "$TREE/.git/ft-body" /dev/null <"$patch" >"$TREE/.git/ft-head"
        subject=$(sed -n 's/^Subject: //p' "$TREE/.git/ft-head")
        date=$(sed -n 's/^Date: //p' "$TREE/.git/ft-head")
        commit=$({ printf '%s\n\n' "$subject"; cat "$TREE/.git/ft-body"; } |
            GIT_AUTHOR_DATE="${date:-2000-01-01T00:00:00Z}" GIT_COMMITTER_DATE="${date:-2000-01-01T00:00:00Z}" \
                g commit-tree "$(GIT_INDEX_FILE=$index g write-tree)" -p "$commit")
    done
    rm -f "$index"
    echo "$commit"
}

# Remembers that SOURCE and the series were applied, so that the next run need not compute it.
tree_stamp() {
    local name=$1
    shift
    echo "$name $(g rev-parse refs/ft/applied) $(content_hash "$FT_PATCHES/series" "$@")" >"$TREE/.git/ft-stamp"
}

# Makes build/qemu equal to SOURCE + series, or stops when that would lose somebody's edits.
tree_apply() {
    local source=$1 name base tip patches head applied edited stamp
    name="$(cat "$source/VERSION") $(basename "$source")"
    mapfile -t patches < <(series)
    if ! tree_exists; then
        [ ! -e "$TREE" ] || [ -z "$(ls -A "$TREE")" ] || die "$TREE is there but was not made by scripts/patches; rm -r it and run this again"
        mkdir -p "$TREE"
        g init -q -b main
        printf '*.orig\n*.rej\n' >>"$TREE/.git/info/exclude"
        base=$(tree_commit_source "$source")
        g update-ref refs/ft/base "$base"
        echo "$name" >"$TREE/.git/ft-source"
        tip=$(tree_chain "$base" "${patches[@]}")
        # No file of the tree is in the index yet, so this writes them all.
        g reset -q --hard "$tip"
        g update-ref refs/ft/applied "$tip"
        tree_overlay
            say "$TREE: $name with ${#patches[@]} patches"
        return
    fi
    tree_adopt
    tree_overlay
    head=$(g rev-parse HEAD)
    base=$(tree_base)
    stamp="$name $(g rev-parse -q --verify refs/ft/applied) $(content_hash "$FT_PATCHES/series" "${patches[@]}")"
    if stamp_is "$TREE/.git/ft-stamp" "$stamp"; then
        edited=
        if tree_dirty || ! g diff-tree --quiet refs/ft/applied "$head"; then edited=1; fi
        say "$TREE is up to date: $name, ${#patches[@]} patches${edited:+, and edits that are not in qemu-patches yet}"
        return 0
    fi
    if [ "$(tree_source)" != "$name" ]; then
        base=$(tree_commit_source "$source")
    fi
    tip=$(tree_chain "$base" "${patches[@]}")
    if g diff-tree --quiet "$head" "$tip"; then
        g update-ref refs/ft/applied "$head"
    fi
    applied=$(g rev-parse -q --verify refs/ft/applied || tree_base)
    edited=
    if tree_dirty || ! g diff-tree --quiet "$applied" "$head"; then
        edited=1
    fi
    if g diff-tree --quiet "$applied" "$tip"; then
        # The series did not change since it was applied or refreshed, so there is nothing to write; edits stay as they are.
        say "$TREE is up to date: $name, ${#patches[@]} patches${edited:+, and edits that are not in qemu-patches yet}"
        g update-ref refs/ft/applied "$applied"
        tree_stamp "$name" "${patches[@]}"
        return 0
    fi
    [ -z "$edited" ] || die "$TREE has edits that are not in qemu-patches, and qemu-patches has changed; run scripts/patches refresh, or rm -r build/qemu"
    g update-ref refs/ft/base "$base"
    echo "$name" >"$TREE/.git/ft-source"
    g reset -q --hard "$tip"
    g update-ref refs/ft/applied "$tip"
    tree_stamp "$name" "${patches[@]}"
    say "$TREE: $name with ${#patches[@]} patches; $(g diff-tree -r --name-only "$head" "$tip" | wc -l) files changed"
}
