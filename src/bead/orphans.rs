//! Beads that commits of the target name, and that are open all the same.

use anyhow::Result;
use indexmap::IndexMap;

use crate::bead::Beads;
use crate::bead::beads::SHORTEST;
use crate::bead::face::is_live;
use crate::git::Repo;

/// The trailer that names the bead of a commit.
const TRAILER: &str = "Bead";
/// What ends each commit that git tells of.
const END: char = '\0';

/// The newest commit that names a bead.
pub struct Named {
    pub commit: String,
    pub subject: String,
}

/// Open beads with the newest commit of a branch that names each: by its trailer, or by its id in the
/// subject, of those that were made by then. The newest first.
pub fn orphans<'a>(
    repo: &Repo,
    beads: &'a Beads,
    branch: &str,
    until: &str,
) -> Result<IndexMap<&'a str, Named>> {
    let told =
        repo.git(["log", "-z", "--format=%H%n%B", &format!("--until={until}"), branch, "--"]);
    let told = told.text()?;
    let mut found = IndexMap::new();
    for commit in told.split(END) {
        let Some((commit, message)) = commit.split_once('\n') else { continue };
        let subject = message.lines().next().unwrap_or_default();
        let trailers = repo.trailers(message).into_iter();
        let trailers =
            trailers.filter(|(key, _)| key.eq_ignore_ascii_case(TRAILER)).map(|(_, id)| id);
        let ids = trailers.chain(tokens(subject));
        for id in ids.filter_map(|word| named(beads, &word)) {
            found.entry(id).or_insert_with(|| Named {
                commit: commit.to_owned(),
                subject: subject.to_owned(),
            });
        }
    }
    Ok(found)
}

/// The words of a subject that may be ids.
fn tokens(subject: &str) -> impl Iterator<Item = String> {
    let words = subject.split(|c: char| !(c.is_alphanumeric() || "-._".contains(c)));
    let words = words.map(|word| word.trim_matches(['.', '-', '_']));
    words.filter(|word| word.contains('-')).map(str::to_owned)
}

/// The open bead that a word names: by its whole id, or by a start of it as long as such are shown.
fn named<'a>(beads: &'a Beads, word: &str) -> Option<&'a str> {
    if let Some(row) = beads.row(word) {
        return is_live(&row).then_some(row.key());
    }
    let hash = word.rsplit_once('-').map_or(0, |(_, hash)| hash.len());
    let mut fits = beads.starting(word);
    let (only, other) = (fits.next()?, fits.next());
    let is_clear = hash >= SHORTEST && other.is_none() && is_live(&only);
    let only = only.key();
    is_clear.then(|| beads.row(only)).flatten().map(|row| row.key())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bead::beads::tests::{beads, drink};
    use crate::bead::event::{Closed, Event};

    #[test]
    fn a_subject_names_a_bead_by_its_id_or_a_start_of_it() {
        let mut all = beads(&[
            ("api-7f3k2m9q", &[]),
            ("api-7f3x2m9q", &[]),
            ("api-9aaaaaaa", &[]),
            ("bd-a3f8.1", &[]),
        ]);
        drink(&mut all, "api-9aaaaaaa", "x", &Event::Closed(Closed::default()));
        for (subject, found) in [
            ("Fix api-7f3k2m9q", &["api-7f3k2m9q"][..]),
            ("fix (api-7f3k): done", &["api-7f3k2m9q"]),
            ("api-7f3 is two", &[]),
            ("api-7f3k and bd-a3f8.1.", &["api-7f3k2m9q", "bd-a3f8.1"]),
            ("close api-9aaaaaaa", &[]),
            ("well-known 7f3k", &[]),
        ] {
            let ids: Vec<_> = tokens(subject).filter_map(|word| named(&all, &word)).collect();
            assert_eq!(ids, found, "{subject}");
        }
    }
}
