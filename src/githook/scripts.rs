//! The scripts of `hooks/`, which are installed as they stand there, and how one of them runs the
//! hook that was there before it.

use std::path::Path;

use crate::refusal::quoted;

pub(super) const PROC_RECEIVE: &str = include_str!("../../hooks/proc-receive");

/// Name and text of every script that a repository gets.
pub(super) const SHIPPED: [(&str, &str); 6] = [
    ("commit-msg", include_str!("../../hooks/commit-msg")),
    ("post-merge", include_str!("../../hooks/post-merge")),
    ("pre-push", include_str!("../../hooks/pre-push")),
    ("prepare-commit-msg", include_str!("../../hooks/prepare-commit-msg")),
    ("proc-receive", PROC_RECEIVE),
    ("reference-transaction", include_str!("../../hooks/reference-transaction")),
];

/// What follows our lines where another hook has to run after them.
pub(super) const TAIL: &str = "# What stands behind it:\n";

/// Where a hook goes that cannot take our lines. Its name stays: some ask for it.
pub(super) const KEPT: &str = "shopfloor-kept";

/// The git hooks of a work tree, all of which have to go on running where we take the directory over.
pub(super) const NAMES: [&str; 22] = [
    "applypatch-msg",
    "commit-msg",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-receive",
    "post-rewrite",
    "post-update",
    "pre-applypatch",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "pre-receive",
    "prepare-commit-msg",
    "push-to-checkout",
    "reference-transaction",
    "sendemail-validate",
    "update",
];

pub(super) fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// A shipped script with a line behind it that runs the hook set aside for it.
pub(super) fn before_kept(shipped: &str) -> String {
    let run = format!(
        "[ ! -x \"${{0%/*}}/{KEPT}/${{0##*/}}\" ] || exec \"${{0%/*}}/{KEPT}/${{0##*/}}\" \"$@\"\n"
    );
    shipped.to_owned() + TAIL + &run
}

/// A script for a directory of ours: our part, if there is one, and then the repository's own hook.
/// The mark tells that one, should our lines be in it as well, that they have run.
pub(super) fn before_own(name: &str, own: &Path) -> String {
    let quoted = quoted(own.join(name));
    let ours = shipped(name).unwrap_or("#!/bin/sh\n");
    format!(
        "{ours}{TAIL}export SHOPFLOOR_CHAIN=\"$PPID\"\n[ ! -x {quoted} ] || exec {quoted} \"$@\"\n"
    )
}
