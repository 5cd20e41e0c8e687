//! What stands in a work tree: edits, untracked files, an operation half done; and a commit of all of
//! it that touches nothing.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use gix::bstr::ByteSlice as _;

use super::object::fields;
use super::{Git, Oid, Repo, Signature};
use crate::host::{share, unwritable};
use crate::refusal::Refusal;

/// Files of an operation that waits for a person, and what it is called.
const BUSY: &[(&str, &str)] = &[
    ("rebase-merge", "rebase"),
    ("rebase-apply/applying", "am"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("sequencer", "sequence"),
    ("BISECT_LOG", "bisect"),
];

/// What differs from `HEAD` in a work tree. Ignored files do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// No tracked file is edited, staged or missing. Untracked files may be there.
    pub clean: bool,
    pub edits: Vec<String>,
    pub untracked: Vec<String>,
    /// Of the edits those submodules that merely stand at another commit than the index says, without
    /// changes of their own: git leaves them there when it switches.
    pub adrift: Vec<String>,
    /// Other repositories inside, untracked or edited, whose content no commit here can hold.
    pub inner: Vec<String>,
    /// The operation that stands half done, by the name of its command.
    pub busy: Option<String>,
}

impl State {
    /// Whether nothing in it is a person's: git did not bring submodules along, and that is all.
    pub fn unedited(&self) -> bool {
        self.edits.len() == self.adrift.len()
    }

    /// Takes one line of `git status --porcelain=v2 --no-renames`.
    fn add(&mut self, line: &str) {
        // Fields before the path, by the kind of the line: changed, unmerged, untracked.
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        let before = match kind {
            "1" => 7,
            "u" => 9,
            "?" => 0,
            _ => return,
        };
        let mut words = rest.splitn(before + 1, ' ');
        let staged = words.clone().next().is_some_and(|changed| !changed.starts_with('.'));
        let submodule = words.clone().nth(1).filter(|_| before > 0).unwrap_or("N...");
        let Some(path) = words.nth(before).map(str::to_owned) else { return };
        // `S` stands for a submodule, the dots for commits, edits and files that are new in it.
        match submodule {
            "SC.." if kind == "1" && !staged => self.adrift.push(path.clone()),
            "N..." | "S..." | "SC.." if !path.ends_with('/') => {}
            _ => self.inner.push(path.clone()),
        }
        let list = if kind == "?" { &mut self.untracked } else { &mut self.edits };
        list.push(path);
    }
}

impl Repo {
    pub fn checkout_state(&self, path: &Path) -> anyhow::Result<State> {
        let args = ["status", "--porcelain=v2", "-z", "--no-renames"];
        let all = ["--untracked-files=all", "--ignore-submodules=none"];
        let out = self.reading(path, &|| self.git(args).args(all).at(path))?;
        let mut state = State { busy: self.busy(path)?, ..State::default() };
        for line in fields(&out) {
            state.add(&line.to_str_lossy());
        }
        state.clean = state.edits.is_empty();
        Ok(state)
    }

    fn busy(&self, path: &Path) -> anyhow::Result<Option<String>> {
        let dir = self.git_dir_of(path)?;
        let found = BUSY.iter().find(|(file, _)| dir.join(file).exists());
        Ok(found.map(|(_, name)| (*name).to_owned()))
    }

    /// The directory with the `HEAD` and the index of the work tree at `path`.
    pub fn git_dir_of(&self, path: &Path) -> anyhow::Result<PathBuf> {
        if self.work_dir() == Some(path) {
            return Ok(self.git_dir().to_owned());
        }
        let link = path.join(".git");
        let dir = if link.is_file() { gix::discover::path::from_gitdir_file(&link)? } else { link };
        fs::canonicalize(&dir).with_context(|| format!("{} is not a work tree", path.display()))
    }

    /// A commit that holds all of a work tree: `HEAD` as its parent, then what is staged (as a second
    /// parent, where it is not the same), then every file that is not ignored. Neither the files nor
    /// the index are touched. Nothing when all that is there is `HEAD`.
    pub fn snapshot(&self, path: &Path, message: &str) -> anyhow::Result<Option<Oid>> {
        let scratch = self.scratch_index(path)?;
        let index = scratch.path().join("index");
        let with_index = |args: &[&str]| self.git(args).at(path).env("GIT_INDEX_FILE", &index);
        let head = self.resolve_in(path, "HEAD^{commit}")?;
        let base = match head {
            Some(head) => self.tree_of(&head)?,
            None => with_index(&["mktree"]).text()?.parse()?,
        };
        // An index in the middle of a merge has no tree; its files hold both sides.
        let tree = || -> anyhow::Result<Oid> {
            let said = self.reading(path, &|| with_index(&["write-tree"]))?;
            String::from_utf8_lossy(&said).trim().parse()
        };
        let staged = tree().ok();
        // Git would note but the name of a repository inside; its work is not ours to save.
        let others = with_index(&["ls-files", "-z", "--others", "--exclude-standard"]).bytes()?;
        let inner = fields(&others).filter(|path| path.ends_with(b"/"));
        let inner = inner.map(|path| [b":(exclude,literal)", path].concat());
        let paths = std::iter::once(b".".to_vec()).chain(inner).collect::<Vec<_>>().join(&0);
        let add = ["add", "--all", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul"];
        // One sync for all new blobs instead of one each.
        let add = || with_index(&add).input(paths.clone()).config("core.fsyncMethod=batch");
        self.reading(path, &add)?;
        // What was taken out of the index and is ignored now is an edit of what `HEAD` has.
        let gone = ["diff-index", "--cached", "--name-only", "--diff-filter=D", "--no-renames"];
        let gone = with_index(&gone).args(["-z", &base.to_string()]).bytes()?;
        let back = fields(&gone).filter(|name| is_file(path, name));
        let back = back.map(|name| [name, b"\0"].concat()).collect::<Vec<_>>().concat();
        let update = ["update-index", "--add", "-z", "--stdin"];
        self.reading(path, &|| with_index(&update).input(back.clone()))?;
        let whole = tree()?;
        let staged = staged.filter(|tree| *tree != base && *tree != whole);
        if whole == base && staged.is_none() {
            return Ok(None);
        }
        let by = self.snapshot_author(path)?;
        let mut parents: Vec<Oid> = head.into_iter().collect();
        if let Some(tree) = staged {
            parents.push(self.commit_tree(
                &tree,
                &parents,
                &format!("{message}\n\nWhat was staged.\n"),
                (&by, &by),
            )?);
        }
        self.commit_tree(&whole, &parents, message, (&by, &by)).map(Some)
    }

    /// The tree that `git commit -a` would commit in that work tree, with submodules adrift as the index
    /// has them. Neither files nor index change.
    pub fn tracked_tree(&self, path: &Path, state: &State) -> anyhow::Result<Oid> {
        let scratch = self.scratch_index(path)?;
        let index = scratch.path().join("index");
        let with_index = |args: &[&str]| self.git(args).at(path).env("GIT_INDEX_FILE", &index);
        self.add_tracked(path, state).env("GIT_INDEX_FILE", &index).ok()?;
        with_index(&["write-tree"]).text()?.parse()
    }

    /// A `git` that stages every edit of what is tracked, but no submodule that is adrift.
    pub fn add_tracked(&self, path: &Path, state: &State) -> Git<'_> {
        let adrift = state.adrift.iter().map(|path| format!(":(top,exclude,literal){path}"));
        self.git(["add", "--update", "--sparse", "--", ":/"]).args(adrift).at(path)
    }

    /// What a `git` says that reads the files of a work tree. Where a filter of theirs fails, the files
    /// are taken as they are: work that is to be saved does not wait until a missing tool is back.
    fn reading<'r>(&self, path: &Path, git: &dyn Fn() -> Git<'r>) -> anyhow::Result<Vec<u8>> {
        let error = match git().bytes() {
            Err(error) if !error.is::<Refusal>() => error,
            done => return done,
        };
        let named = ["config", "--null", "--name-only", "--get-regexp", r"^filter\."];
        let named = self.git(named).at(path).run()?.out;
        let named = fields(&named).filter_map(|key| key.to_str().ok()?.rsplit_once('.'));
        let raw = named.fold(git(), |git, (filter, _)| {
            let of = |what: &str| format!("{filter}.{what}");
            git.config(of("clean=")).config(of("process=")).config(of("required=false"))
        });
        raw.bytes().map_err(|_| error)
    }

    /// Switches a work tree, as far as nothing in it would be lost, ignored files among it; else
    /// says what is in the way. Filters may have to fetch what they check out.
    pub fn switch(&self, path: &Path, to: &[&str]) -> anyhow::Result<Result<(), String>> {
        let args = ["switch", "--quiet", "--no-overwrite-ignore"];
        let done = self.git(args).args(to.iter().copied()).at(path).network().run()?;
        Ok(if done.code == 0 { Ok(()) } else { Err(in_the_way(&done.err)) })
    }

    /// A copy of the work tree's index, where git may change it.
    fn scratch_index(&self, path: &Path) -> anyhow::Result<tempfile::TempDir> {
        let own = self.own_dir()?;
        let scratch = tempfile::Builder::new()
            .prefix("snapshot-")
            .tempdir_in(&own)
            .map_err(|no| unwritable(&own, &no))?;
        let index = self.git_dir_of(path)?.join("index");
        if index.exists() {
            let copy = scratch.path().join("index");
            copy_of_age(&index, &copy).with_context(|| format!("copying {}", index.display()))?;
            self.unhide(path, &copy)?;
        }
        Ok(scratch)
    }

    /// Takes the marks that let git look past edits from the index of that work tree itself.
    pub fn look_everywhere(&self, path: &Path) -> anyhow::Result<()> {
        let index = self.git_dir_of(path)?.join("index");
        if index.exists() { self.unhide(path, &index) } else { Ok(()) }
    }

    /// Takes from an index the marks that let git look past edits. A file that a sparse checkout
    /// leaves out keeps its mark: it is not there to be edited.
    fn unhide(&self, path: &Path, index: &Path) -> anyhow::Result<()> {
        let with_index = |args: &[&str]| self.git(args).at(path).env("GIT_INDEX_FILE", index);
        let listed = with_index(&["ls-files", "-v", "-z"]).bytes()?;
        let hidden = fields(&listed).filter_map(|entry| {
            let name = entry.get(2..)?;
            let marked = entry.first().is_some_and(|tag| tag.is_ascii_lowercase() || *tag == b'S');
            let there = || path.join(OsStr::from_bytes(name)).symlink_metadata().is_ok();
            (marked && there()).then(|| [name, b"\0"].concat())
        });
        let hidden: Vec<u8> = hidden.flatten().collect();
        if hidden.is_empty() {
            return Ok(());
        }
        for mark in ["--no-assume-unchanged", "--no-skip-worktree"] {
            with_index(&["update-index", mark, "-z", "--stdin"]).input(hidden.clone()).ok()?;
        }
        Ok(())
    }

    /// The identity of that work tree, or a neutral one: work is saved for everybody.
    fn snapshot_author(&self, path: &Path) -> anyhow::Result<Signature> {
        let done = self.git(["var", "GIT_COMMITTER_IDENT"]).at(path).run()?;
        let text = String::from_utf8_lossy(&done.out);
        let parsed = gix::actor::SignatureRef::from_bytes(text.trim().as_bytes()).ok();
        let Some(known) = parsed.filter(|_| done.code == 0) else {
            let now = crate::host::Clock::real().now();
            return Ok(Signature::new("shopfloor", "shopfloor@localhost", &now));
        };
        let text = |part: &gix::bstr::BStr| part.to_str_lossy().into_owned();
        Ok(Signature {
            name: text(known.name),
            email: text(known.email),
            time: known.time.trim().to_owned(),
        })
    }

    /// What a revision means in that work tree.
    pub fn resolve_in(&self, path: &Path, rev: &str) -> anyhow::Result<Option<Oid>> {
        let done = self
            .git(["rev-parse", "--verify", "--quiet", "--end-of-options", rev])
            .at(path)
            .run()?;
        Ok(String::from_utf8_lossy(&done.out).trim().parse().ok())
    }
}

/// Whether a file or link of that name is in the work tree itself, not somewhere a link leads to.
fn is_file(root: &Path, name: &[u8]) -> bool {
    let name = Path::new(OsStr::from_bytes(name));
    let file = root.join(name).symlink_metadata();
    file.is_ok_and(|file| !file.is_dir())
        && name.ancestors().skip(1).all(|dir| !root.join(dir).is_symlink())
}

/// Git tells by an index's age which files it has to read again: those that are no older.
fn copy_of_age(index: &Path, copy: &Path) -> std::io::Result<()> {
    let age = fs::metadata(index)?.modified()?;
    share::copy(index, copy)?;
    fs::File::options().write(true).open(copy)?.set_modified(age)
}

/// What git says is in the way of a switch: the files it lists, else its first line.
fn in_the_way(said: &str) -> String {
    let files: Vec<_> = said.lines().filter_map(|line| line.strip_prefix('\t')).collect();
    match files.as_slice() {
        [] => said.lines().next().unwrap_or("git would not switch").to_owned(),
        [one] => format!("{one} is in the way"),
        [one, more @ ..] => format!("{one} and {} more are in the way", more.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_is_named() {
        let said = "error: The following untracked working tree files would be overwritten by checkout:\n\tnotes.txt\nPlease move or remove them before you switch branches.\nAborting\n";
        assert_eq!(in_the_way(said), "notes.txt is in the way");
        assert_eq!(in_the_way("fatal: no\n"), "fatal: no");
    }
}
