//! Where one line of commits left another. Nearly always that is a few commits away and is found by
//! reading them; git is asked about anything else.

use std::collections::HashSet;

use indexmap::IndexSet;

use super::{Oid, Repo};

/// Commits that may be read before git is asked.
const MOST: usize = 512;

impl Repo {
    /// The best common ancestor of two commits; one of them, where there are several.
    pub fn merge_base(&self, one: &Oid, other: &Oid) -> anyhow::Result<Option<Oid>> {
        let mut left = MOST;
        let parents = |id: &Oid| {
            left = left.checked_sub(1)?;
            Some(self.commit(id).ok()?.parents)
        };
        match nearby(*one, *other, parents) {
            Some(fork) => Ok(Some(fork)),
            None => self.git(["merge-base", &one.to_string(), &other.to_string()]).answer(),
        }
    }
}

/// Where `theirs`, as a chain of commits with one parent each, left the line of first parents of
/// `ours`. None where it is no such chain, or `parents` tells no more.
fn nearby(
    ours: Oid,
    theirs: Oid,
    mut parents: impl FnMut(&Oid) -> Option<Vec<Oid>>,
) -> Option<Oid> {
    let (mut line, mut chain) = (IndexSet::from([ours]), IndexSet::from([theirs]));
    let (mut line_end, mut chain_end) = (Some(ours), Some(theirs));
    let mut sides = Vec::new();
    let mut fork = (ours == theirs).then_some(ours);
    while fork.is_none() {
        if let Some(id) = line_end {
            let mut all = parents(&id)?.into_iter();
            line_end = all.next();
            sides.extend(all);
            line.extend(line_end);
            fork = line_end.filter(|id| chain.contains(id));
        } else {
            chain_end?;
        }
        if let Some(id) = chain_end.filter(|_| fork.is_none()) {
            chain_end = match parents(&id)?[..] {
                [one] => Some(one),
                _ => None,
            };
            chain.extend(chain_end);
            fork = chain_end.filter(|id| line.contains(id));
        }
    }
    let fork = fork?;
    let own: Vec<_> = chain.into_iter().take_while(|id| *id != fork).collect();
    if own.is_empty() {
        return Some(fork);
    }
    // Ours may have some of the chain's own commits through a merge. What leads to the fork and what
    // is before it has none of them.
    let mut seen = HashSet::new();
    while let Some(id) = sides.pop() {
        if line.contains(&id) || !seen.insert(id) {
            continue;
        }
        sides.extend(parents(&id)?);
        // Faster than the walk, so that it meets the line where it has left it before the fork.
        for _ in 0..2 {
            let Some(last) = line_end else { break };
            line_end = parents(&last)?.first().copied();
            line.extend(line_end);
        }
    }
    Some(own.into_iter().find(|id| seen.contains(id)).unwrap_or(fork))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(letter: char) -> Oid {
        format!("{:040x}", u32::from(letter)).parse().unwrap()
    }

    #[test]
    fn a_fork_is_found_by_reading_what_is_near() {
        // Each word is a commit and its parents.
        let cases = [
            ("a", 'a', 'a', Some('a')),
            ("ba", 'b', 'a', Some('a')),
            ("ba", 'a', 'b', Some('a')),
            ("ba ca", 'b', 'c', Some('a')),
            // Side by side, at different distances.
            ("ba cb dc ea", 'd', 'e', Some('a')),
            ("ba ca dc ed", 'b', 'e', Some('a')),
            // Landed already by a merge, wholly or in part.
            ("ba ca dbc", 'd', 'c', Some('c')),
            ("ba ca dbc ec", 'd', 'e', Some('c')),
            ("ba ca dbc ec fa gdf", 'g', 'e', Some('c')),
            // Through a side of a side.
            ("ba ca xa yxc dby ec", 'd', 'e', Some('c')),
            // A landed side that had left the line before the fork.
            ("ba cb sa dcs xc", 'd', 'x', Some('c')),
            ("ba cb dc ed sa fes xe", 'f', 'x', Some('e')),
            // A merge in the chain is for git, and so is what has nothing in common.
            ("ba ca dbc eb", 'e', 'd', None),
            ("", 'a', 'b', None),
        ];
        for (graph, ours, theirs, expected) in cases {
            let parents = |of: &Oid| {
                let own = graph.split(' ').find(|word| word.starts_with(|c| id(c) == *of));
                Some(own.unwrap_or_default().chars().skip(1).map(id).collect())
            };
            assert_eq!(nearby(id(ours), id(theirs), parents), expected.map(id), "{graph}");
        }
    }
}
