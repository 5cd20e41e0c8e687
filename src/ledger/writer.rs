//! Which clone has written a line?

use std::collections::{HashMap, HashSet};

use anyhow::Result;

use super::shelf::{Tail, tail};
use super::{Ledger, Line};
use crate::git::Oid;

impl Ledger<'_> {
    /// The names of the replicas that these lines are of, by the lines. `theirs` does not have them, and
    /// was taken in.
    pub fn writers(&self, theirs: &Oid, ids: &HashSet<&str>) -> Result<HashMap<String, String>> {
        let Some((_, shelf)) = self.checked()? else { return Ok(HashMap::new()) };
        let known = self.positions_of(&self.shelf_of(theirs)?)?;
        let mut found = HashMap::new();
        for (name, dir) in shelf.replicas() {
            let each = &mut |line: Line| {
                if ids.contains(line.id.as_str()) {
                    found.insert(line.id, name.to_owned());
                }
            };
            // What a merge has moved is looked for from the beginning.
            if let Tail::Rewritten = tail(&self.store, dir, known.get(name), each)? {
                tail(&self.store, dir, None, each)?;
            }
        }
        Ok(found)
    }
}
