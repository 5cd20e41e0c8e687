//! What is wrong, why that matters, and what mends it. Pure: facts in, findings out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::cli::bead::doctor::facts::{Facts, Leftovers, Remotes};
use crate::ledger::{self, UNREADABLE};
use crate::refusal::Refusal;

/// The oldest git that can do what is asked of it.
const OLDEST_GIT: (u32, u32) = (2, 38);
/// Clocks that are this near to each other are one clock.
const NEAR: Duration = Duration::from_secs(120);

/// How bad it is: a note is worth knowing and nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Problem,
    Note,
}

/// What `--fix` may do without asking: none of it touches a line, a commit or a file of a person's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fix {
    Alternates,
    Caches(Vec<PathBuf>),
    /// What any changing command does by the way.
    Tend,
    Remove(Vec<PathBuf>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What was looked at.
    pub check: &'static str,
    pub level: Level,
    pub what: String,
    pub why: &'static str,
    /// The command that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    #[serde(skip)]
    pub fix: Option<Fix>,
}

impl Finding {
    fn problem(check: &'static str, what: impl Into<String>, why: &'static str) -> Self {
        Self { check, level: Level::Problem, what: what.into(), why, mend: None, fix: None }
    }

    fn note(check: &'static str, what: impl Into<String>, why: &'static str) -> Self {
        Self { level: Level::Note, ..Self::problem(check, what, why) }
    }

    fn mend(self, command: impl Into<String>) -> Self {
        Self { mend: Some(command.into()), ..self }
    }

    fn fixed(self, fix: Fix) -> Self {
        Self { fix: Some(fix), ..self.mend("git bead doctor --fix") }
    }
}

/// All findings, problems first.
pub(super) fn examine(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for (check, no) in &facts.unseen {
        found.push(Finding::problem(
            check,
            format!("could not be looked at: {no}"),
            "what is wrong there is not known",
        ));
    }
    of_ledger(facts, &mut found);
    copies(facts, &mut found);
    places(facts, &mut found);
    locks(facts, &mut found);
    git(facts, &mut found);
    hooks(facts, &mut found);
    clock(facts, &mut found);
    remotes(&facts.remotes, facts.hooks.set_up, &mut found);
    leftovers(&facts.leftovers, &mut found);
    found.sort_by_key(|finding| finding.level);
    found
}

fn of_ledger(facts: &Facts, found: &mut Vec<Finding>) {
    let health = &facts.health;
    if let Some(newer) = &health.newer {
        let why = "what is there can be read, and nothing can be written";
        found.push(told(Finding::problem("format", newer.what.clone(), why), newer));
    } else if let Some(damage) = &health.damage {
        let why = "nothing is written over a ledger that cannot be read whole";
        let finding = told(Finding::problem("ledger", damage.what.clone(), why), damage);
        let whole = |from: &str| format!("git fetch --refetch {from} {}", ledger::REF);
        found.push(match facts.remotes.pinned.first() {
            _ if !damage.what.contains(UNREADABLE) => finding,
            Some(remote) => finding.mend(whole(remote)),
            None => finding.mend(format!("with a copy or a backup: {}", whole("PATH"))),
        });
    }
    if health.findings > 0 {
        let what = format!("{} lines were written past the rules", health.findings);
        let why = "a line that is older than what it names, or names what is not there, was not written by us";
        found.push(Finding::problem("ledger", what, why).mend("git bead verify"));
    }
    if !health.caches.is_empty() {
        let what = format!("saved states are damaged: {}", names(&health.caches));
        let why =
            "they are passed over, so that every command reads the ledger from its first line";
        let fix = Fix::Caches(health.caches.clone());
        found.push(Finding::problem("cache", what, why).fixed(fix));
    }
    if !facts.known_to_git {
        let what = "the line in objects/info/alternates that leads to shopfloor-objects is missing, or leads elsewhere";
        let why =
            "git does not find the ledger's objects: fsck, gc and clones of this repository fail";
        found.push(Finding::problem("alternates", what, why).fixed(Fix::Alternates));
    }
}

/// With the first of what a refusal advises.
fn told(finding: Finding, refusal: &Refusal) -> Finding {
    let command =
        refusal.hints.iter().find(|hint| hint.starts_with("git ") || hint.contains("install"));
    match command.or(refusal.hints.first()) {
        Some(hint) => finding.mend(hint.clone()),
        None => finding,
    }
}

fn copies(facts: &Facts, found: &mut Vec<Finding>) {
    for tail in &facts.health.tails {
        let what =
            format!("one clone's lines went on in two places; the second ones are kept as {tail}");
        let why =
            "a repository was copied or restored and both went on under one name; nothing is lost";
        found.push(Finding::note("replicas", what, why));
    }
    if facts.health.moved {
        let what = "this repository was copied or moved since it last wrote";
        let why =
            "it takes a name of its own with the next write, so that two never write under one";
        found.push(Finding::note("replicas", what, why));
    }
}

fn places(facts: &Facts, found: &mut Vec<Finding>) {
    for place in &facts.closed {
        let what = format!("{} cannot be written to", place.display());
        let why = "every write ends with an error; a sandbox may have mounted it read-only";
        let mend = format!("let this user, and the sandbox, write to {}", place.display());
        found.push(Finding::problem("access", what, why).mend(mend));
    }
}

fn locks(facts: &Facts, found: &mut Vec<Finding>) {
    for (path, pid) in &facts.held {
        let what = format!("{} is held by process {pid}", name(path));
        let why = "who needs it waits; it goes when that process ends";
        found.push(Finding::note("locks", what, why));
    }
    for path in &facts.orphaned {
        let what = format!("{} was left by a git that was killed", path.display());
        let why = "whoever has to change what it locks waits, and then gives up";
        let ours = path.components().any(|part| part.as_os_str() == "shopfloor");
        let finding = Finding::problem("locks", what, why);
        found.push(match ours {
            true => finding.fixed(Fix::Remove(vec![path.clone()])),
            false => finding.mend(format!("if no git is running here: rm {}", quoted(path))),
        });
    }
}

fn git(facts: &Facts, found: &mut Vec<Finding>) {
    let (major, minor) = facts.git;
    if facts.git != (0, 0) && facts.git < OLDEST_GIT {
        let what =
            format!("git is {major}.{minor}, and {}.{} is needed", OLDEST_GIT.0, OLDEST_GIT.1);
        let why =
            "landings are recomputed with `git merge-tree --write-tree`, which it does not know";
        found.push(Finding::problem("git", what, why).mend("install a newer git"));
    }
}

fn hooks(facts: &Facts, found: &mut Vec<Finding>) {
    let hooks = &facts.hooks;
    if !hooks.set_up {
        let why = "beads can be used all the same; git hooks and the push route come with it";
        let what = "`git bead init` was not called here";
        found.push(Finding::note("git hooks", what, why).mend("git bead init"));
        return;
    }
    if !hooks.whole {
        let what = "git does not find our lines in its hooks";
        let why =
            "commits of agents get no trailers, and pushes to the protected branch are not queued";
        found.push(Finding::problem("git hooks", what, why).fixed(Fix::Tend));
    }
    if hooks.moved {
        let what = "push routes and hooks lead to where this repository was before it was moved, or to what was deleted";
        let why = "a push there fails in git's words, or goes to another repository";
        found.push(Finding::problem("git hooks", what, why).fixed(Fix::Tend));
    }
    if let Some(dir) = &hooks.gone {
        let what = format!("our commands are no longer in {}", dir.display());
        let why = "git hooks that run with another PATH do not find them";
        found.push(Finding::problem("git hooks", what, why).mend("git bead init --yes"));
    }
    if let Some(dir) = &hooks.foreign {
        let what = format!("git hooks of somebody else stand in {}", dir.display());
        let why = "they run before ours, as they would without us";
        found.push(Finding::note("git hooks", what, why));
    }
}

fn clock(facts: &Facts, found: &mut Vec<Finding>) {
    let Some(now) = &facts.now else { return };
    let why = "no order, merge or holder depends on it; people read wrong times";
    let ahead = |at: &crate::host::Stamp| at.since(now) > NEAR;
    let newest = facts.health.newest.as_deref().and_then(|at| at.parse().ok());
    if newest.as_ref().is_some_and(ahead) {
        let what = format!(
            "the newest line says {}, and here it is {now}",
            facts.health.newest.as_deref().unwrap_or_default()
        );
        found.push(Finding::note("clock", what, why));
    }
    if let Some(disk) = facts.disk.as_ref().filter(|disk| ahead(disk)) {
        let what = format!("the disk gave a file the time {disk}, and here it is {now}");
        found.push(Finding::note("clock", what, why));
    }
}

fn remotes(remotes: &Remotes, set_up: bool, found: &mut Vec<Finding>) {
    if let Some(hub) = remotes.hub.as_ref().filter(|hub| !remotes.names.contains(hub)) {
        let what = format!("shopfloor.hub is {hub}, and no remote is called so");
        let why = "claims stay provisional, and what is provisional cannot land";
        let mend = format!("git remote add {hub} URL, or git config --unset shopfloor.hub");
        found.push(Finding::problem("remotes", what, why).mend(mend));
    }
    for (name, trouble) in &remotes.troubles {
        let what = format!("the last exchange with {name} failed: {trouble}");
        let why = "what is written here does not arrive there, nor what is written there here";
        found.push(Finding::problem("remotes", what, why).mend(format!("git bead sync {name}")));
    }
    let Some(chosen) = &remotes.chosen else { return };
    if remotes.unfetchable {
        let what =
            format!("{chosen} is mirrored or fetched in part: its ledger cannot come with a fetch");
        let why = "a mirror would put its ledger over the one here";
        let mend = format!("git config --add remote.{chosen}.fetch '^refs/shopfloor/*'");
        found.push(Finding::note("remotes", what, why).mend(mend));
    } else if set_up && !remotes.manual && !remotes.fetched.contains(chosen) {
        let what = format!("the ledger of {chosen} does not come with a fetch");
        let why = "clones learn of each other's claims only when somebody calls `git bead sync`";
        found.push(Finding::note("remotes", what, why).mend("git bead init"));
    }
    if !remotes.pinned.contains(chosen) {
        let what = format!("no ledger of {chosen} was seen yet");
        let why = "what is written here is nowhere else";
        found.push(Finding::note("remotes", what, why).mend(format!("git bead sync {chosen}")));
    }
}

fn leftovers(left: &Leftovers, found: &mut Vec<Finding>) {
    for (path, back) in &left.parked {
        let what = format!("the work tree {} was parked for a landing", path.display());
        let why = "it stands on no branch, so that what landed did not look like an edit of yours";
        found.push(Finding::problem("leftovers", what, why).mend(back.clone()));
    }
    if !left.halves.is_empty() {
        let what = format!("half-written files: {}", names(&left.halves));
        let why = "whoever wrote them was killed; they take up room";
        let fix = Fix::Remove(left.halves.clone());
        found.push(Finding::problem("leftovers", what, why).fixed(fix));
    }
    if !left.sessions.is_empty() {
        let what =
            format!("nobody looks after these sessions any more: {}", left.sessions.join(", "));
        let why = "their beads stay claimed until somebody ends them; their work is kept first";
        found.push(Finding::problem("leftovers", what, why).fixed(Fix::Tend));
    }
    for path in &left.gates {
        let what = format!("{} is of a branch that is gone", path.display());
        let why = "it takes up room";
        let mend = format!("rm -r {} && git worktree prune", quoted(path));
        found.push(Finding::note("leftovers", what, why).mend(mend));
    }
    if let Some(first) = left.rescued.first() {
        let what = format!(
            "work of {} ended sessions is kept under refs/shopfloor/rescue/",
            left.rescued.len()
        );
        let why = "it is in no branch; look at it, and delete the ref when you need it no more";
        found.push(Finding::note("leftovers", what, why).mend(format!("git show {first}")));
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| name(path)).collect::<Vec<_>>().join(", ")
}

/// As a shell takes it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::githook::Standing;
    use crate::ledger::Health;

    fn sound() -> Facts {
        Facts {
            now: Some("2026-11-21T08:00:00.000Z".parse().unwrap()),
            known_to_git: true,
            hooks: Standing { set_up: true, whole: true, ..Standing::default() },
            git: (2, 43),
            ..Facts::default()
        }
    }

    /// A remote whose ledger comes with a fetch, or was seen.
    fn origin(fetched: &[&str], pinned: &[&str]) -> Remotes {
        let names = |all: &[&str]| all.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        Remotes {
            names: names(&["origin"]),
            chosen: Some("origin".to_owned()),
            fetched: names(fetched),
            pinned: names(pinned),
            ..Remotes::default()
        }
    }

    fn told(change: impl FnOnce(&mut Facts)) -> Vec<(&'static str, Level, Option<Fix>)> {
        let mut facts = sound();
        change(&mut facts);
        examine(&facts).into_iter().map(|it| (it.check, it.level, it.fix)).collect()
    }

    #[test]
    fn a_sound_repository_has_nothing_to_tell() {
        assert_eq!(told(|_| {}), []);
    }

    #[test]
    fn each_fact_gives_its_finding() {
        use Level::{Note, Problem};
        type Case = (&'static str, Level, Option<Fix>, fn(&mut Facts));
        let path = || PathBuf::from("/r/.git/refs/shopfloor/ledger.lock");
        let cases: [Case; 31] = [
            ("format", Problem, None, |it| it.health.newer = Some(Refusal::fatal("newer"))),
            ("ledger", Problem, None, |it| it.health.damage = Some(Refusal::fatal("damaged"))),
            ("ledger", Problem, None, |it| it.health.findings = 2),
            ("cache", Problem, Some(Fix::Caches(vec!["beads".into()])), |it| {
                it.health.caches = vec!["beads".into()];
            }),
            ("alternates", Problem, Some(Fix::Alternates), |it| it.known_to_git = false),
            ("replicas", Note, None, |it| it.health.tails = vec!["5e8c02d9b7341fa6".to_owned()]),
            ("replicas", Note, None, |it| it.health.moved = true),
            ("access", Problem, None, |it| it.closed = vec!["/r/.git/refs".into()]),
            ("locks", Note, None, |it| it.held = vec![("ledger.lock".into(), "17".to_owned())]),
            ("locks", Problem, Some(Fix::Remove(vec![path()])), |it| {
                it.orphaned = vec!["/r/.git/refs/shopfloor/ledger.lock".into()];
            }),
            ("locks", Problem, None, |it| it.orphaned = vec!["/r/.git/index.lock".into()]),
            ("git", Problem, None, |it| it.git = (2, 37)),
            ("git hooks", Note, None, |it| it.hooks = Standing::default()),
            ("git hooks", Problem, Some(Fix::Tend), |it| it.hooks.whole = false),
            ("git hooks", Problem, Some(Fix::Tend), |it| it.hooks.moved = true),
            ("git hooks", Problem, None, |it| it.hooks.gone = Some("/bin".into())),
            ("git hooks", Note, None, |it| it.hooks.foreign = Some("/r/.husky".into())),
            ("clock", Note, None, |it| it.health.newest = Some("2027-01-01T00:00:00Z".to_owned())),
            ("clock", Note, None, |it| it.disk = "2026-11-21T09:00:00Z".parse().ok()),
            ("remotes", Problem, None, |it| it.remotes.hub = Some("hub".to_owned())),
            ("remotes", Problem, None, |it| {
                it.remotes.troubles = vec![("origin".to_owned(), "no".to_owned())];
            }),
            ("remotes", Note, None, |it| it.remotes = origin(&["origin"], &[])),
            ("remotes", Note, None, |it| it.remotes = origin(&[], &["origin"])),
            ("remotes", Note, None, |it| {
                it.remotes = Remotes { unfetchable: true, ..origin(&[], &["origin"]) };
            }),
            ("leftovers", Problem, None, |it| {
                it.leftovers.parked = vec![("/r".into(), "git switch main".to_owned())];
            }),
            ("leftovers", Note, None, |it| it.leftovers.gates = vec!["/r/gates/old".into()]),
            ("leftovers", Note, None, |it| {
                it.leftovers.rescued = vec!["refs/shopfloor/rescue/x/1".to_owned()];
            }),
            ("ledger", Problem, None, |it| {
                it.health.damage = Some(Refusal::fatal("the ledger is gone").hint("git x"));
            }),
            ("leftovers", Problem, Some(Fix::Tend), |it| {
                it.leftovers.sessions = vec!["s-abcdefghij".to_owned()];
            }),
            ("leftovers", Problem, Some(Fix::Remove(vec!["x.half".into()])), |it| {
                it.leftovers.halves = vec!["x.half".into()];
            }),
            ("unseen", Problem, None, |it| it.unseen = vec![("unseen", "no".to_owned())]),
        ];
        for (check, level, fix, change) in cases {
            assert_eq!(told(change), [(check, level, fix)]);
        }
    }

    #[test]
    fn near_clocks_are_one_clock_and_an_old_line_is_none_of_its_business() {
        for at in ["2026-11-21T08:01:00Z", "2020-01-01T00:00:00Z", "not a time"] {
            let health = Health { newest: Some(at.to_owned()), ..Health::default() };
            assert_eq!(told(|facts| facts.health = health), []);
        }
    }

    #[test]
    fn the_way_back_of_a_damaged_ledger_is_a_remote_that_has_it() {
        let mut facts = sound();
        let damage = Refusal::fatal("the ledger cannot be read whole: x").hint("git fsck names it");
        facts.health.damage = Some(damage);
        let mend = |facts: &Facts| examine(facts).remove(0).mend.unwrap();
        let fetch = "git fetch --refetch";
        assert_eq!(mend(&facts), format!("with a copy or a backup: {fetch} PATH {}", ledger::REF));
        facts.remotes.pinned = vec!["origin".to_owned()];
        assert_eq!(mend(&facts), "git fetch --refetch origin refs/shopfloor/ledger");
    }

    #[test]
    fn problems_come_first_and_every_one_says_why() {
        let mut facts = sound();
        facts.health.moved = true;
        facts.git = (2, 30);
        facts.remotes.chosen = Some("origin".to_owned());
        let found = examine(&facts);
        assert_eq!(found.first().unwrap().check, "git");
        assert!(found.iter().all(|it| !it.why.is_empty()));
        assert_eq!(found.len(), 4);
    }
}
