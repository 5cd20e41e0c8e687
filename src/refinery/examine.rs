//! May this entry be tried at all? Its claim must stand, its commits must name their authors, it
//! must merge, and what it would have executed must be known to a person. Reads only.

use anyhow::Result;

use crate::agent::{Roster, Session, preset};
use crate::bead::{Bead, Beads};
use crate::git::{Commit, Conflict, Oid, Repo};
use crate::policy::{self, Policy};
use crate::refinery::attribution::{self, Rules};
use crate::refinery::author::Author;
use crate::refinery::candidate::{self, Built, Candidate};
use crate::refinery::entry::Entry;
use crate::refinery::event::{Held, Hold};
use crate::refinery::holder::{self, Holder};
use crate::refinery::lease::Lease;
use crate::refinery::rejection::{Cause, Clash, Rejection, Side};
use crate::refusal::Refusal;

/// What is to be done with an entry, before any gate has run.
pub(super) enum Examined {
    /// Put this candidate to the gates.
    Try {
        candidate: Candidate,
        author: Author,
    },
    /// The target has it already, through another entry that contained it.
    Contained(Author),
    No(Box<Rejection>),
    Wait(Held),
}

/// Examines an entry as it would land on `tip`, under the policy of `tip`.
pub(super) fn examine(
    lease: &Lease<'_>,
    entry: &Entry,
    (tip, policy): (&Oid, &Policy),
    (beads, roster): (&Beads, &Roster),
) -> Result<Examined> {
    let repo = lease.repo;
    let no = |cause, error: String| rejection(entry, tip, cause, error);
    if !super::land::stands(beads, entry) {
        let what = "stale: the bead was claimed anew after this was submitted".to_owned();
        return Ok(Examined::No(no(Cause::Stale, what)));
    }
    let head = repo.commit(&entry.commit)?;
    let Some(fork) = candidate::fork(repo, entry, &head, tip)? else {
        let what = format!("it shares no history with {}", lease.target);
        return Ok(Examined::No(no(Cause::Conflict, what)));
    };
    let commits = candidate::commits(repo, entry, (tip, &fork))?;
    let author = match author(entry, (&head, commits), policy, (beads, roster)) {
        Ok(author) => author,
        Err(refusal) => {
            let mut no = no(Cause::Attribution, refusal.what);
            no.repeat = refusal.hints;
            return Ok(Examined::No(no));
        }
    };
    let candidate = match candidate::build(lease, entry, &head, (tip, &fork))? {
        Built::Candidate(candidate) => candidate,
        Built::Contained => return Ok(Examined::Contained(author)),
        Built::Conflicts(conflicts) => {
            return Ok(Examined::No(clash(repo, entry, (tip, &fork), conflicts)?));
        }
    };
    let strays = candidate::strays(repo, entry, &candidate)?;
    if !strays.is_empty() {
        let what = format!("landing it would change {}, which it does not", strays.join(", "));
        let mut no = no(Cause::Conflict, what);
        no.repeat = rebase(repo, entry)?;
        return Ok(Examined::No(no));
    }
    Ok(match surface(repo, entry, (tip, policy), &candidate)? {
        None => Examined::Try { candidate, author },
        Some(Ok(held)) => Examined::Wait(held),
        Some(Err(what)) => Examined::No(no(Cause::Policy, what)),
    })
}

/// A rejection with what every one has.
pub(super) fn rejection(entry: &Entry, tip: &Oid, cause: Cause, error: String) -> Box<Rejection> {
    Box::new(Rejection {
        cause,
        agent: entry.agent.clone(),
        bead: entry.bead.clone(),
        submitted: entry.commit,
        base: *tip,
        error,
        gate: None,
        failures: Vec::new(),
        conflicts: Vec::new(),
        tail: String::new(),
        repeat: Vec::new(),
    })
}

fn author(
    entry: &Entry,
    (head, commits): (&Commit, Vec<(Oid, Commit)>),
    policy: &Policy,
    (beads, roster): (&Beads, &Roster),
) -> Result<Author, Refusal> {
    let judged = commits.into_iter().map(|(id, commit)| holder::Commit {
        name: id.short(),
        author: commit.author.name,
        email: commit.author.email,
        message: commit.message,
    });
    let commits: Vec<_> = judged.collect();
    if commits.is_empty() {
        // Contained already: each commit was judged when it landed.
        let (name, email) = (head.author.name.clone(), head.author.email.clone());
        return Ok(Author { name, email, vouched: None });
    }
    let former: Vec<_> = roster.sessions().map(session).collect();
    let mut held: Vec<_> = beads.held().filter_map(|bead| holder(bead, roster)).collect();
    let own = entry.agent.as_ref().zip(entry.bead.as_ref()).map(|(agent, bead)| {
        let claim = held.iter().find(|holder| holder.bead == *bead && holder.agent == *agent);
        claim.cloned().unwrap_or_else(|| Holder {
            bead: bead.clone(),
            agent: agent.clone(),
            session: entry.session.clone(),
            owner: entry
                .session
                .as_ref()
                .and_then(|id| roster.session(id))
                .map(|s| s.owner.clone()),
        })
    });
    held.extend(own.clone().filter(|own| !held.iter().any(|holder| holder.bead == own.bead)));
    let programs: Vec<_> = preset::tools().collect();
    let rules = Rules {
        holder: own.as_ref(),
        agent: entry.agent.as_deref(),
        session: entry.session.as_deref(),
        held: &held,
        former: &former,
        programs: &programs,
        overseers: &policy.overseers,
        submitter: &entry.owner,
    };
    attribution::judge(&commits, &rules)
}

fn holder(bead: &Bead, roster: &Roster) -> Option<Holder> {
    let claim = bead.claim.as_ref()?;
    let slung = claim.session.as_ref().and_then(|id| roster.session(id));
    Some(Holder {
        bead: bead.id.clone(),
        agent: claim.holder.clone(),
        session: claim.session.clone(),
        owner: slung.map(|session| session.owner.clone()),
    })
}

fn session(session: &Session) -> Holder {
    Holder {
        bead: session.bead.clone(),
        agent: session.agent.clone(),
        session: Some(session.id.clone()),
        owner: Some(session.owner.clone()),
    }
}

/// Holds a change of what would be executed until a person has read it; `Err` where the candidate's
/// file cannot be read at all.
fn surface(
    repo: &Repo,
    entry: &Entry,
    (tip, policy): (&Oid, &Policy),
    candidate: &Candidate,
) -> Result<Option<Result<Held, String>>> {
    if repo.file_at(tip, policy::FILE)? == repo.file_at(&candidate.commit, policy::FILE)? {
        return Ok(None);
    }
    let after = match policy::read(repo, &candidate.commit) {
        Ok(policy) => policy.surface(),
        Err(error) => return Ok(Some(Err(format!("{error:#}")))),
    };
    let before = policy.surface();
    let hash = after.hash();
    if after == before || entry.approved.as_ref() == Some(&hash) {
        return Ok(None);
    }
    let gone = before.lines().iter().filter(|line| !after.lines().contains(line));
    let new = after.lines().iter().filter(|line| !before.lines().contains(line));
    let changes = gone.map(|line| format!("- {line}")).chain(new.map(|line| format!("+ {line}")));
    let changes: Vec<_> = changes.collect();
    let said = format!(
        "it changes what {} has run: {}",
        policy::FILE,
        if changes.is_empty() { "their order".to_owned() } else { changes.join("; ") }
    );
    Ok(Some(Ok(Held { why: Hold::Surface, said, surface: Some(hash) })))
}

/// A textual conflict, with who changed each path on either side.
fn clash(
    repo: &Repo,
    entry: &Entry,
    (tip, fork): (&Oid, &Oid),
    conflicts: Vec<Conflict>,
) -> Result<Box<Rejection>> {
    let mut clashes = Vec::new();
    for Conflict { path, what } in conflicts {
        let side = |end: &Oid| side(repo, fork, end, &path);
        let (landed, submitted) = (side(tip)?, side(&entry.commit)?);
        clashes.push(Clash { path, what, landed, submitted });
    }
    let paths: Vec<_> = clashes.iter().map(|clash| clash.path.as_str()).collect();
    let by = clashes.iter().find_map(|clash| clash.landed.as_ref());
    let by = by.map(|side| format!(" that {} changed in {}", side.author, side.commit.short()));
    let error = format!(
        "conflicts with {} in {}{}",
        entry.target,
        paths.join(", "),
        by.unwrap_or_default()
    );
    let mut no = rejection(entry, tip, Cause::Conflict, error);
    no.conflicts = clashes;
    no.repeat = rebase(repo, entry)?;
    Ok(no)
}

/// What was committed on the target itself is on no branch, and its files are in the way of a rebase.
fn rebase(repo: &Repo, entry: &Entry) -> Result<Vec<String>> {
    let (target, commit) = (&entry.target, entry.commit.to_string());
    let having = ["for-each-ref", "--count=1", "--contains", &commit, "refs/heads", "refs/remotes"];
    let lone = entry.agent.is_none() && repo.git(having).text()?.is_empty();
    let aside = format!(
        "git refinery status    # if it was made on {target} itself: the way for its files, then commit again"
    );
    let usual = [
        format!("git rebase {target}    # on your branch; resolve, git rebase --continue"),
        format!("git push origin HEAD:{target}    # a new entry"),
    ];
    Ok(lone.then_some(aside).into_iter().chain(usual).collect())
}

/// The last commit between the fork and `end` that changed `path`.
fn side(repo: &Repo, fork: &Oid, end: &Oid, path: &str) -> Result<Option<Side>> {
    let range = format!("{fork}..{end}");
    let args = ["rev-list", "-1", "--no-merges", &range, "--", path];
    let Ok(id) = repo.git(args).env("GIT_LITERAL_PATHSPECS", "1").text()?.parse::<Oid>() else {
        return Ok(None);
    };
    let commit = repo.commit(&id)?;
    let trailer = |key: &str| {
        let trailers = repo.trailers(&commit.message).into_iter();
        trailers.filter(|(name, _)| name == key).map(|(_, value)| value).next()
    };
    Ok(Some(Side {
        commit: id,
        subject: commit.subject().to_owned(),
        author: trailer("Agent").unwrap_or_else(|| commit.author.name.clone()),
        bead: trailer("Bead"),
    }))
}
