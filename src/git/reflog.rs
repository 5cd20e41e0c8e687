//! Where `HEAD` and branches have stood, and which of the commits there no ref keeps any more.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;

use super::{Oid, Repo};

/// Refs that belong to one work tree and go with it.
const OWN: &[&str] = &["refs/worktree", "refs/bisect", "refs/rewritten"];

impl Repo {
    /// Every commit at which `HEAD` of the work tree with this git directory has stood, and every
    /// branch that the pattern `branches` matches, as far as their logs go.
    pub fn stood_at(&self, git_dir: Option<&Path>, branches: &str) -> anyhow::Result<Vec<Oid>> {
        let glob = format!("--glob={branches}");
        let logged = self.git(["rev-list", "--walk-reflogs", &glob]).text()?;
        let mut found = named(&logged);
        if let Some(dir) = git_dir {
            found.extend(self.head_stood_at(dir)?);
        }
        Ok(found)
    }

    fn head_stood_at(&self, git_dir: &Path) -> anyhow::Result<Vec<Oid>> {
        if !self.reftable() {
            // The file and not git, which opens no log of a `HEAD` on a branch without commits.
            let path = git_dir.join("logs/HEAD");
            return match fs::read(&path) {
                Ok(log) => Ok(both_sides(&String::from_utf8_lossy(&log))),
                Err(no) if no.kind() == ErrorKind::NotFound => Ok(Vec::new()),
                Err(no) => Err(no).with_context(|| format!("reading {}", path.display())),
            };
        }
        let born = self.git(["rev-list", "--walk-reflogs", "HEAD", "--"]).of(git_dir).run()?;
        if born.code == 0 {
            return Ok(named(&String::from_utf8_lossy(&born.out)));
        }
        // All logs that can be seen there: better too much than one commit too little.
        let all = ["rev-list", "--no-walk", "--single-worktree", "--reflog"];
        Ok(named(&self.git(all).of(git_dir).text()?))
    }

    /// Where `HEAD` of the work tree with this git directory stands.
    pub fn head_in(&self, git_dir: &Path) -> anyhow::Result<Option<Oid>> {
        self.git(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).of(git_dir).answer()
    }

    /// The commits that refs of that one work tree name.
    pub fn own_refs(&self, git_dir: &Path) -> anyhow::Result<Vec<Oid>> {
        let args = ["for-each-ref", "--format=%(objectname)"].iter().chain(OWN);
        Ok(named(&self.git(args).of(git_dir).text()?))
    }

    /// What `revs` lead to in the work tree with this git directory and no ref keeps, by its tips:
    /// without the commits that another of them leads to. Refs that match one of `but`, and those of
    /// one work tree alone, count for nothing. A revision that is nothing (any more) is passed over.
    pub fn unkept(
        &self,
        git_dir: &Path,
        revs: &[String],
        but: &[String],
    ) -> anyhow::Result<Vec<Oid>> {
        if revs.is_empty() {
            return Ok(Vec::new());
        }
        let own = OWN.iter().map(|start| format!("{start}/*"));
        let out = self
            .git(["rev-list", "--parents", "--ignore-missing", "--stdin", "--not"])
            .args(own.chain(but.iter().cloned()).map(|pattern| format!("--exclude={pattern}")))
            // Not `--all`, which counts in where the main work tree stands.
            .arg("--glob=refs/*")
            .of(git_dir)
            .input(revs.join("\n") + "\n")
            .text()?;
        Ok(tips(&out))
    }
}

fn named(lines: &str) -> Vec<Oid> {
    lines.lines().filter_map(|line| line.parse().ok()).collect()
}

/// The commits before and after each line of a log.
fn both_sides(log: &str) -> Vec<Oid> {
    let words = log.lines().flat_map(|line| line.split(' ').take(2));
    let found = words.filter_map(|word| word.parse::<Oid>().ok()).filter(|oid| !oid.is_null());
    found.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The commits that are no other's parent, of lines with a commit and its parents each.
fn tips(lines: &str) -> Vec<Oid> {
    let parents: BTreeSet<&str> = lines.lines().flat_map(|line| line.split(' ').skip(1)).collect();
    let commits = lines.lines().filter_map(|line| line.split(' ').next());
    commits.filter(|commit| !parents.contains(commit)).filter_map(|tip| tip.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters stand for commits.
    fn spelled(text: &str) -> String {
        let letter =
            |c: char| if c.is_ascii_hexdigit() { c.to_string().repeat(40) } else { c.into() };
        text.chars().map(letter).collect()
    }

    #[test]
    fn tips_lead_to_the_others() {
        for (lines, expected) in [
            ("", ""),
            ("a b", "a"),
            ("c b\nb a", "c"),
            ("d b\nc b\nb a", "d c"),
            ("d b c\nc a\nb a\ne a", "d e"),
        ] {
            let expected: Vec<Oid> =
                expected.split_whitespace().map(|c| spelled(c).parse().unwrap()).collect();
            assert_eq!(tips(&spelled(lines)), expected, "{lines}");
        }
    }

    #[test]
    fn a_log_names_the_commits_on_both_sides() {
        let (null, rest) = ("0", " Jo <jo@x> 1 +0000\tcommit");
        for (sides, expected) in
            [(vec![(null, "a"), ("a", "b")], "a b"), (vec![("c", "a")], "a c"), (vec![], "")]
        {
            let line = |(old, new): &(&str, &str)| {
                format!("{} {}{rest}: d e\n", spelled(old), spelled(new))
            };
            let log: String = sides.iter().map(line).collect();
            let expected: Vec<Oid> =
                expected.split_whitespace().map(|c| spelled(c).parse().unwrap()).collect();
            assert_eq!(both_sides(&log), expected);
        }
        assert_eq!(both_sides("\nhalf a line"), []);
    }
}
