//! What an agent is told. Few words: every one of them is paid for at each start. Pure.

use std::fmt::Write as _;

use crate::bead::{Bead, Beads};

/// Longest text that is passed on of any one field.
const FIELD: usize = 12_000;
/// Newest comments that are passed on.
const COMMENTS: usize = 8;

/// What the prompt is made from.
pub(crate) struct Brief<'a> {
    pub(crate) beads: &'a Beads,
    pub(crate) bead: &'a Bead,
    pub(crate) agent: &'a str,
    pub(crate) target: &'a str,
    pub(crate) branch: &'a str,
    /// The last structured rejection of this bead, as text.
    pub(crate) rejection: Option<&'a str>,
    /// Earlier work of this bead stands in the worktree.
    pub(crate) resumed: bool,
    /// Where earlier work of this bead was kept that is not in the worktree.
    pub(crate) rescued: Option<&'a str>,
}

/// The whole prompt. It never begins with a dash, so no program takes it for an option.
pub(crate) fn text(brief: &Brief<'_>) -> String {
    let Brief { bead, target, .. } = brief;
    let short = brief.beads.short(&bead.id);
    let mut out = format!(
        "You are {}. Your task is {short}: {}\n\
         You work in a git worktree of your own, on branch {}; it lands on {target}.\n",
        brief.agent,
        clean(&bead.title),
        brief.branch
    );
    section(&mut out, "", &bead.description);
    section(&mut out, "Design", &bead.design);
    section(&mut out, "Acceptance criteria", &bead.acceptance_criteria);
    section(&mut out, "Notes", &bead.notes);
    comments(&mut out, bead);
    if let Some(rejection) = brief.rejection {
        section(&mut out, "Your last submission was rejected. Put this right", rejection);
    }
    if brief.resumed {
        out.push_str("\nEarlier work on this task is in the worktree; see `git log` and `git status`, and go on from there.\n");
    }
    if let Some(name) = brief.rescued {
        let _ = writeln!(
            out,
            "\nEarlier work on this task that is not in the worktree: `git log -p --diff-merges=first-parent {target}..{name}`."
        );
    }
    let _ = write!(
        out,
        "\nWhen it is done:\n\
         1. commit with plain `git commit` (trailers are added for you; keep the hooks on)\n\
         2. git push origin HEAD:{target}\n\
         The push answers QUEUED: the change lands when its checks pass, and that closes the task. Then stop.\n\
         If nothing needs to change: git bead close {short} --reason \"why\"\n\
         If you cannot go on: git bead comment {short} \"what is missing\", and stop.\n\
         More work that you find: git bead create \"title\" --deps discovered-from:{short}; do not do it now.\n\
         What is known here, and what you hold: git bead prime.\n"
    );
    out
}

fn comments(out: &mut String, bead: &Bead) {
    let skipped = bead.comments.len().saturating_sub(COMMENTS);
    if bead.comments.is_empty() {
        return;
    }
    out.push_str("\nComments:\n");
    for comment in bead.comments.iter().skip(skipped) {
        let _ = writeln!(out, "- {}: {}", comment.author, cut(&clean(comment.text.trim())));
    }
}

fn section(out: &mut String, title: &str, text: &str) {
    let text = clean(text.trim());
    if text.is_empty() {
        return;
    }
    out.push('\n');
    if !title.is_empty() {
        let _ = writeln!(out, "{title}:");
    }
    let _ = writeln!(out, "{}", cut(&text));
}

/// No NUL can stand in an argument, and no other control character has a meaning for the reader.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

fn cut(text: &str) -> String {
    if text.len() <= FIELD {
        return text.to_owned();
    }
    let end = (0..=FIELD).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}\n[cut: `git bead show` has the rest]", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief<'a>(beads: &'a Beads, bead: &'a Bead) -> Brief<'a> {
        Brief {
            beads,
            bead,
            agent: "toast",
            target: "main",
            branch: "toast/api-7f3k",
            rejection: None,
            resumed: false,
            rescued: None,
        }
    }

    fn bead() -> Bead {
        Bead {
            id: "api-7f3k".to_owned(),
            title: "Fix the typo".to_owned(),
            description: "It says teh.\n".to_owned(),
            ..Bead::default()
        }
    }

    #[test]
    fn the_whole_prompt_of_a_small_task() {
        let (beads, bead) = (Beads::default(), bead());
        assert_eq!(
            text(&brief(&beads, &bead)),
            "You are toast. Your task is api-7f3k: Fix the typo\n\
             You work in a git worktree of your own, on branch toast/api-7f3k; it lands on main.\n\
             \n\
             It says teh.\n\
             \n\
             When it is done:\n\
             1. commit with plain `git commit` (trailers are added for you; keep the hooks on)\n\
             2. git push origin HEAD:main\n\
             The push answers QUEUED: the change lands when its checks pass, and that closes the task. Then stop.\n\
             If nothing needs to change: git bead close api-7f3k --reason \"why\"\n\
             If you cannot go on: git bead comment api-7f3k \"what is missing\", and stop.\n\
             More work that you find: git bead create \"title\" --deps discovered-from:api-7f3k; do not do it now.\n\
             What is known here, and what you hold: git bead prime.\n"
        );
    }

    #[test]
    fn what_is_there_is_passed_on_and_bounded() {
        let beads = Beads::default();
        let bead = Bead {
            acceptance_criteria: "All pages.".to_owned(),
            notes: "é".repeat(FIELD),
            description: "a\0b\x1b[31mc".to_owned(),
            ..bead()
        };
        let told = text(&Brief {
            rejection: Some("gate test: exit 1"),
            resumed: true,
            ..brief(&beads, &bead)
        });
        for part in [
            "\nAcceptance criteria:\nAll pages.\n",
            "\nYour last submission was rejected. Put this right:\ngate test: exit 1\n",
            "\nEarlier work on this task is in the worktree;",
            "[cut: `git bead show` has the rest]",
            "ab[31mc",
        ] {
            assert!(told.contains(part), "{part}");
        }
        assert!(told.len() < 2 * FIELD);
    }
}
