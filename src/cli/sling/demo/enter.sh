#!/bin/sh
# Runs a command in the demo's project, as the demo does: with a configuration of its own and
# nothing of yours. Without a command it starts a shell there.
demo=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit
cd "$demo/quill" || exit
[ $# -gt 0 ] || set -- "${SHELL:-sh}"
exec env -i PATH="$demo/bin:$PATH" HOME="$demo/home" TERM="${TERM:-dumb}" TMPDIR="${TMPDIR:-/tmp}" \
    XDG_CONFIG_HOME="$demo/home/.config" XDG_CACHE_HOME="$demo/home/.cache" \
    XDG_STATE_HOME="$demo/home/.local/state" XDG_DATA_HOME="$demo/home/.local/share" \
    GIT_CONFIG_NOSYSTEM=1 LC_ALL=C "$@"
