//! What is wrong, why that matters, and what mends it. Pure: facts in, findings out.

use std::time::Duration;

use crate::cli::bead::doctor::facts::{Clashes, Facts, Leftovers, Misplaced, Remotes};
use crate::cli::bead::doctor::finding::{Finding, Fix, Level, name, names};
use crate::cli::bead::doctor::ledger;
use crate::git::Unpacked;
use crate::refusal::quoted;

/// The oldest git that can do what is asked of it.
const OLDEST_GIT: (u32, u32) = (2, 38);
/// Clocks that are this near to each other are one clock.
const NEAR: Duration = Duration::from_secs(120);

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
    ledger::state(facts, &mut found);
    ledger::copies(facts, &mut found);
    places(facts, &mut found);
    misplaced(facts, &mut found);
    locks(facts, &mut found);
    git(facts, &mut found);
    hooks(facts, &mut found);
    clock(facts, &mut found);
    remotes(&facts.remotes, facts.hooks.set_up, &mut found);
    leftovers(&facts.leftovers, &mut found);
    rings(&facts.rings, &mut found);
    clashes(&facts.clashes, &mut found);
    found.sort_by_key(|finding| finding.level);
    found
}

/// So many of a kind are told.
const MANY: usize = 3;

fn first(told: &[String]) -> String {
    let more = told.len().saturating_sub(MANY);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let told = told.iter().take(MANY).cloned().collect::<Vec<_>>().join("; ");
    told + &more
}

fn rings(rings: &[String], found: &mut Vec<Finding>) {
    if rings.is_empty() {
        return;
    }
    let what = format!("beads wait for themselves: {}", first(rings));
    let why = "nothing of a ring ever gets its turn";
    found.push(Finding::problem("graph", what, why).mend("git bead dep cycles"));
}

fn clashes((clashes, refused): &Clashes, found: &mut Vec<Finding>) {
    if clashes.is_empty() {
        return;
    }
    let why = "two clones claimed without knowing of each other; they will edit the same files";
    let level = if *refused { Level::Problem } else { Level::Note };
    let finding = Finding { level, ..Finding::note("claims", first(clashes), why) };
    found.push(
        finding.mend("git bead update ID --status open, or --files with what it really owns"),
    );
}

fn places(facts: &Facts, found: &mut Vec<Finding>) {
    for place in &facts.closed {
        let what = format!("{} cannot be written to", place.display());
        let why = "every write ends with an error; a sandbox may have mounted it read-only";
        let mend = format!("let this user, and the sandbox, write to {}", place.display());
        found.push(Finding::problem("access", what, why).mend(mend));
    }
}

fn misplaced(facts: &Facts, found: &mut Vec<Finding>) {
    if let Some(first) = facts.narrow.first() {
        let what = format!(
            "{} files and directories, such as {}, are less open than core.sharedRepository says",
            facts.narrow.len(),
            first.display()
        );
        let why = "they were made before it said so; others who share this repository are kept out";
        found.push(Finding::problem("access", what, why).fixed(Fix::Share(facts.narrow.clone())));
    }
    for (path, command) in &facts.shut {
        let what = format!("{} is less open than core.sharedRepository says", path.display());
        let why =
            "git has made it as the umask of one person says; others see nothing of that work tree";
        found.push(Finding::problem("access", what, why).mend(command));
    }
    for (path, kind) in &facts.misplaced {
        let (is, wanted) = match kind {
            Misplaced::Dir => ("directory", "file"),
            Misplaced::File => ("file", "directory"),
        };
        let what = format!("{} is a {is}, and a {wanted} belongs there", path.display());
        let why = "whatever has to write there ends with an error";
        let mend = format!("mv {} {}", quoted(path), quoted(path.with_extension("aside")));
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
    if let Some((path, unpacked)) = &facts.unpacked {
        let (at, file) = (path.display(), quoted(path));
        let (what, mend) = match unpacked {
            Unpacked::Lines(lines) => {
                let told: Vec<_> = lines.iter().map(ToString::to_string).collect();
                let what = format!("what is no ref stands in {at}, line {}", told.join(", "));
                (what, format!("sed -i.bad '{}d' {file}", told.join("d;")))
            }
            Unpacked::NoEnd => {
                (format!("the last line of {at} has no end"), format!("echo >>{file}"))
            }
        };
        let why = "git reads no ref of that file until it is mended, and fails";
        found.push(Finding::problem("refs", what, why).mend(mend));
    }
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
    if facts.unseen.iter().any(|(check, _)| *check == "git hooks") {
        return;
    }
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
    if remotes.pinned.iter().all(|(name, _)| name != chosen) {
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::githook::Standing;
    use crate::ledger::Health;
    use crate::refusal::Refusal;

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
            pinned: pinned.iter().map(|name| ((*name).to_owned(), "refs/x".to_owned())).collect(),
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
        let cases: [Case; 35] = [
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
            ("access", Problem, None, |it| it.misplaced = vec![("/r/s".into(), Misplaced::File)]),
            ("access", Problem, None, |it| it.misplaced = vec![("/r/l".into(), Misplaced::Dir)]),
            ("access", Problem, Some(Fix::Share(vec![path()])), |it| {
                it.narrow = vec!["/r/.git/refs/shopfloor/ledger.lock".into()];
            }),
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
            ("leftovers", Problem, Some(Fix::Tend), |it| {
                it.leftovers.sessions = vec!["s-abcdefghij".to_owned()];
            }),
            ("leftovers", Problem, Some(Fix::Remove(vec!["x.half".into()])), |it| {
                it.leftovers.halves = vec!["x.half".into()];
            }),
            ("claims", Problem, None, |it| it.clashes = (vec!["src/**".to_owned()], true)),
            ("claims", Note, None, |it| it.clashes = (vec!["src/**".to_owned()], false)),
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
