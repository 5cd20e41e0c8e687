//! What is wrong with the ledger: its lines, its copies, its saved states, its objects. Pure.

use std::path::{Path, PathBuf};

use crate::cli::bead::doctor::facts::Facts;
use crate::cli::bead::doctor::finding::{Finding, Fix, names};
use crate::ledger::{self, UNREADABLE};
use crate::refusal::{Refusal, quoted};

pub(super) fn state(facts: &Facts, found: &mut Vec<Finding>) {
    let health = &facts.health;
    if let Some(newer) = &health.newer {
        let why = "what is there can be read, and nothing can be written";
        found.push(told(Finding::problem("format", newer.what.clone(), why), newer));
    } else if let Some(damage) = &health.damage {
        let why = match health.broken.is_empty() {
            true => "nothing is written over a ledger that cannot be read whole",
            false => {
                "nothing is written over it; git gc and git repack fail until those files are out of the way, and git fetches nothing in their place"
            }
        };
        let finding = told(Finding::problem("ledger", damage.what.clone(), why), damage);
        found.push(match damage.what.contains(UNREADABLE) {
            true => finding.mend(way_back(facts)),
            false => finding,
        });
        let resort = health.resort.as_ref().filter(|back| !back.has_all);
        if let Some(back) = resort.filter(|_| health.remake.is_none()) {
            let what = format!("{} can be gone back to: {} lines", back.to, back.lines);
            let why = "the last resort: what was written here since then is not in it";
            found.push(Finding::note("ledger", what, why).mend(back.command.clone()));
        }
    }
    if health.findings > 0 {
        let what = format!("{} lines were written past the rules", health.findings);
        let why = "a line that is older than what it names, or names what is not there, was not written by us";
        found.push(Finding::problem("ledger", what, why).mend("git bead verify"));
    }
    if let Some(path) = &health.damaged_notes {
        let what =
            format!("what was noted was damaged before it came into the trail: {}", path.display());
        let why =
            "the disk, or somebody, has changed what a session told; the rest is in the trail";
        found.push(Finding::problem("trail", what, why).mend(format!("rm {}", quoted(path))));
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

/// Out of the way with what is damaged, and then all of it anew.
fn way_back(facts: &Facts) -> String {
    let health = &facts.health;
    let resort = health.resort.as_ref().filter(|back| back.has_all || back.is_only);
    if let Some(command) = health.remake.as_ref().or(resort.map(|back| &back.command)) {
        // What else is in a pack may be what that leads to.
        let is_alone = |file: &&PathBuf| file.extension().is_none();
        let alone: Vec<_> = health.broken.iter().filter(is_alone).cloned().collect();
        return format!("{}{command}", aside(facts, &alone));
    }
    let aside = aside(facts, &health.broken);
    let whole = |from: &str, name: &str| format!("{aside}git fetch --refetch {from} {name}");
    match facts.remotes.pinned.first() {
        Some((remote, name)) => whole(remote, name),
        None => format!("with a copy or a backup: {}", whole("PATH", ledger::REF)),
    }
}

fn aside(facts: &Facts, broken: &[PathBuf]) -> String {
    if broken.is_empty() {
        return String::new();
    }
    let place = quoted(facts.own.join("damaged"));
    let files: Vec<_> = broken.iter().map(|file| all_of(file)).collect();
    format!("mkdir -p {place} && mv {} {place} && ", files.join(" "))
}

/// A pack goes with its index and whatever else is made for it.
fn all_of(file: &Path) -> String {
    match file.extension() {
        Some(_) => format!("{}.*", quoted(file.with_extension(""))),
        None => quoted(file),
    }
}

/// With the first of what a refusal advises.
fn told(finding: Finding, refusal: &Refusal) -> Finding {
    let mut hints = refusal.hints.iter();
    let is_command = |hint: &&String| {
        hint.starts_with("git ") || hint.starts_with("rm ") || hint.contains("install")
    };
    match hints.find(is_command).or(refusal.hints.first()) {
        Some(hint) => {
            let told = hints.next().filter(|hint| hint.starts_with("that "));
            finding.mend(hint.clone()).because(told)
        }
        None => finding,
    }
}

pub(super) fn copies(facts: &Facts, found: &mut Vec<Finding>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Way;

    #[test]
    fn the_way_back_of_a_damaged_ledger_is_a_remote_that_has_it() {
        let mut facts = Facts { known_to_git: true, ..Facts::default() };
        let damage = Refusal::fatal("the ledger cannot be read whole: x").hint("git fsck names it");
        facts.health.damage = Some(damage);
        let mend = |facts: &Facts| {
            let mut found = Vec::new();
            state(facts, &mut found);
            found.remove(0).mend.unwrap()
        };
        let fetch = "git fetch --refetch";
        assert_eq!(mend(&facts), format!("with a copy or a backup: {fetch} PATH {}", ledger::REF));
        facts.remotes.pinned = vec![("origin".to_owned(), "refs/heads/x".to_owned())];
        assert_eq!(mend(&facts), "git fetch --refetch origin refs/heads/x");
        facts.own = "/r/s".into();
        facts.health.broken = vec!["/r/o/3f/5a".into(), "/r/o/pack/p-1.pack".into()];
        let aside = "mkdir -p '/r/s/damaged' && mv '/r/o/3f/5a' '/r/o/pack/p-1'.* '/r/s/damaged'";
        assert_eq!(mend(&facts), format!("{aside} && {fetch} origin refs/heads/x"));
        // A pack stays that may hold what is gone back to.
        let aside = "mkdir -p '/r/s/damaged' && mv '/r/o/3f/5a' '/r/s/damaged'";
        let (to, lines) = ("x".to_owned(), 1);
        let back = |is_only| Way {
            command: "back".to_owned(),
            to: to.clone(),
            lines,
            has_all: false,
            is_only,
        };
        facts.health.resort = Some(back(true));
        assert_eq!(mend(&facts), format!("{aside} && back"));
        facts.health.resort = Some(back(false));
        facts.health.remake = Some("make".to_owned());
        assert_eq!(mend(&facts), format!("{aside} && make"));
    }
}
