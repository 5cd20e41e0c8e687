//! What is lost and can be made again as it was: it says nothing that is not known from elsewhere, and
//! whether it is the same is told by its name.

use std::collections::BTreeSet;

use super::Ledger;
use super::shelf::{OF_FILE, Shelf, of_file};
use crate::git::Oid;
use crate::refusal::quoted;

impl Ledger<'_> {
    /// The command that makes the first directory again that cannot be read, or the file that says whose
    /// ledger this is.
    pub(super) fn remake(&self) -> Option<String> {
        self.regrow().or_else(|| self.reof())
    }

    fn reof(&self) -> Option<String> {
        let tip = self.repo.read_ref(&self.name).ok()??;
        let shelf = self.shelf_of(&tip).ok()?;
        let lost = shelf.entry(OF_FILE)?.id;
        if self.store.blob(&lost).is_ok() {
            return None;
        }
        let is_lost = |text: &String| self.store.name_of(text.as_bytes()).ok() == Some(lost);
        let text = files(&self.possible_roots(Some(&shelf))).into_iter().find(is_lost)?;
        let (text, dir) = (quoted(text.trim_end()), quoted(self.store.dir()));
        let write = "git hash-object -w --stdin";
        Some(format!("printf '%s\\n' {text} | GIT_OBJECT_DIRECTORY={dir} {write}"))
    }

    /// What such a file can be called.
    pub(super) fn possible_files(&self) -> Vec<Oid> {
        let texts = files(&self.possible_roots(None));
        texts.iter().filter_map(|text| self.store.name_of(text.as_bytes()).ok()).collect()
    }

    /// What a ledger can have said: what its lines do, and what this repository begins with.
    fn possible_roots(&self, shelf: Option<&Shelf>) -> Vec<Oid> {
        let mut roots = BTreeSet::new();
        if let Some(shelf) = shelf {
            // As many as can be read.
            drop(shelf.lines(&self.store, &mut |line| roots.extend(line.of)));
        }
        roots.extend(self.begun());
        roots.extend(self.beginning().ok().flatten());
        roots.into_iter().collect()
    }
}

/// What the file can have been, with one former beginning at most.
fn files(roots: &[Oid]) -> Vec<String> {
    let mut found = Vec::new();
    for root in roots {
        let formers = roots.iter().filter(|former| *former != root).map(|one| vec![*one]);
        found.extend([Vec::new()].into_iter().chain(formers).flat_map(|it| of_file(*root, it)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_was_amended_once_is_among_what_can_have_been_said() {
        let [one, two] = ["1", "2"].map(|digit| digit.repeat(40).parse::<Oid>().unwrap());
        let alone = |root| of_file(root, Vec::new()).unwrap();
        let after = |root, former| of_file(root, vec![former]).unwrap();
        let all = [alone(one), after(one, two), alone(two), after(two, one)];
        assert_eq!(files(&[one, two]), all);
        assert_eq!(alone(one), format!("{{\"root\":\"{one}\"}}\n"));
    }
}
