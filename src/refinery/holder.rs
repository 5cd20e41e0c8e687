//! Does a commit bear the marks of who holds its bead, or held it before? Pure.

use crate::refusal::Refusal;

/// What the judgement needs to know of a commit.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    /// As people shall see it, abbreviated.
    pub name: String,
    pub author: String,
    pub email: String,
    pub message: String,
}

/// Who may speak for a bead: the holder of the claim that stands, or of one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub bead: String,
    pub agent: String,
    pub session: Option<String>,
    /// The e-mail address of the person who answers for it, where somebody slung it.
    pub owner: Option<String>,
}

/// The marks are those of the holder, or of a session that held the same bead before.
pub(super) fn holds(
    holder: &Holder,
    former: &[Holder],
    bead: &str,
    (agent, session, commit): (&str, Option<&str>, &Commit),
) -> Result<(), Refusal> {
    if bead != holder.bead {
        return Err(differs("Bead", bead, &holder.bead));
    }
    let wrote = |one: &&Holder| {
        one.bead == bead
            && one.agent == agent
            && (one.session.is_none() || one.session.as_deref() == session)
    };
    let Some(wrote) = std::iter::once(holder).chain(former).find(wrote) else {
        return Err(match (session, holder.session.as_deref()) {
            (Some(said), Some(held)) if agent == holder.agent => {
                differs("Agent-Session", said, held)
            }
            (None, Some(held)) if agent == holder.agent => missing("Agent-Session", held),
            _ => differs("Agent", agent, &holder.agent),
        });
    };
    let Some(owner) = wrote.owner.as_deref() else { return Ok(()) };
    if !owner.eq_ignore_ascii_case(&commit.email) {
        return Err(Refusal::refused(format!(
            "its author is {}, but {owner} answers for {agent}",
            commit.email
        ))
        .hint("amend with --reset-author in the agent's worktree"));
    }
    // Aider writes itself behind the author's name.
    if commit.author.strip_suffix(" (aider)").unwrap_or(&commit.author) != agent {
        return Err(Refusal::refused(format!(
            "its author is {}, but its trailers say {agent}",
            commit.author
        ))
        .hint("amend with --reset-author in the agent's worktree"));
    }
    Ok(())
}

pub(super) fn missing(key: &str, value: &str) -> Refusal {
    Refusal::refused(format!("the trailer `{key}: {value}` is missing"))
        .hint("amend it in the agent's worktree, where the git hooks add it, without --no-verify")
}

pub(super) fn differs(key: &str, said: &str, expected: &str) -> Refusal {
    Refusal::refused(format!("`{key}: {said}` is forged or stale, it must be `{key}: {expected}`"))
        .hint("amend it in the agent's worktree, where the git hooks correct it")
}
