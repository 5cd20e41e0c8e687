//! Of which repository a ledger is, and every line in it.
//!
//! A repository is known by the commit that its history begins with. A ledger says it in one file of
//! its tree, and a line before which nothing stands on its subject says it in itself (`of`). Every other
//! line names what stands before it, so each leads back to one that says it: a line of another
//! repository's ledger names a commit that is not in this history, or a line that is not in this ledger.
//! What was written before lines said so, or before there was a commit, says nothing and is let be.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, anyhow};

use super::canon::{Id, follows, id, split, told_id};
use super::heads::Ends;
use super::layout::Book;
use super::leaf::Leaf;
use super::manners::unreadable;
use super::place;
use super::shelf::{News, Positions, Shelf};
use super::{Ledger, Line, REF, remote};
use crate::git::{Oid, RefName};
use crate::refusal::Refusal;

/// On the desk: the commit that a ledger begun here says it belongs to.
const BEGUN: &str = "begun";
/// Names a commit that this repository is known by, too: what it began with before it was rewritten.
const FORMER: &str = "shopfloor.root";

/// What is said of what is of a repository that begins so.
pub(super) fn elsewhere(root: &Oid) -> String {
    format!("another repository, whose first commit is {}", root.short())
}

/// How to say that it is none.
pub(super) fn meant(root: &Oid) -> String {
    let before = "if that was the first commit here before history was rewritten";
    format!("{before}: git config --add {FORMER} {root}")
}

/// A line that is not of the ledger it stands in.
pub(super) struct Stray {
    pub(super) line: String,
    pub(super) on: String,
    pub(super) by: String,
    why: Why,
}

enum Why {
    Root(Oid),
    /// What it names as standing before it.
    After(String),
    /// It does not say, and lines before it did.
    Silence,
}

impl Stray {
    fn of(line: &Line, why: Why) -> Self {
        let Line { id, on, by, .. } = line;
        Self { line: id.clone(), on: on.clone(), by: by.clone(), why }
    }

    /// What it names as standing before it and is not there.
    fn cause(&self) -> &str {
        match &self.why {
            Why::After(name) => name,
            Why::Root(_) | Why::Silence => "",
        }
    }

    pub(super) fn what(&self) -> String {
        match &self.why {
            Why::Root(root) => format!("it is a line of {}", elsewhere(root)),
            Why::After(name) => format!("it follows {name}, which is nowhere"),
            Why::Silence => {
                "it does not say of which repository it is, as lines before it do".to_owned()
            }
        }
    }

    /// To be said of a ledger.
    pub(super) fn told(&self) -> String {
        let Self { line, on, by, .. } = self;
        format!("has a line that is not of it, {line} on {on} by {by}: {}", self.what())
    }

    pub(super) fn explain(&self, refusal: Refusal) -> Refusal {
        match &self.why {
            Why::Root(root) => refusal.hint(meant(root)),
            Why::After(_) | Why::Silence => refusal,
        }
    }
}

/// Looks at the lines of a ledger, one by one, of which repository they are.
pub(super) struct Homes {
    /// What the ledger says of itself.
    roots: Vec<Oid>,
    others: BTreeMap<Oid, Vec<Stray>>,
}

impl Homes {
    pub(super) fn of(roots: Vec<Oid>) -> Self {
        Self { roots, others: BTreeMap::new() }
    }

    pub(super) fn line(&mut self, line: &Line) {
        if let Some(root) = line.of.filter(|root| !self.roots.contains(root)) {
            self.others.entry(root).or_default().push(Stray::of(line, Why::Root(root)));
        }
    }

    /// Those of other repositories. Who has no history to look into goes by what the ledger says.
    pub(super) fn end(self, ledger: &Ledger<'_>) -> Result<Vec<Stray>> {
        let mut strays = Vec::new();
        for (root, lines) in self.others {
            if !ledger.is_home(&root)?.unwrap_or(self.roots.is_empty()) {
                strays.extend(lines);
            }
        }
        Ok(strays)
    }
}

/// Lines on their way into a ledger, or out of it.
pub(super) struct Travellers {
    homes: Homes,
    ids: HashSet<Id>,
    /// Those that name what had not come yet.
    open: Vec<Stray>,
}

impl Travellers {
    pub(super) fn of(roots: Vec<Oid>) -> Self {
        Self { homes: Homes::of(roots), ids: HashSet::new(), open: Vec::new() }
    }

    pub(super) fn line(&mut self, line: &Line) {
        self.homes.line(line);
        let open = line.after.iter().filter(|name| !self.came(name));
        let open: Vec<_> = open.map(|name| Stray::of(line, Why::After(name.clone()))).collect();
        self.open.extend(open);
        self.ids.extend(id(&line.id));
    }

    /// One that was looked at before.
    pub(super) fn meet(&mut self, line: &Line) {
        self.ids.extend(id(&line.id));
    }

    fn came(&self, name: &str) -> bool {
        id(name).is_some_and(|id| self.ids.contains(&id))
    }

    /// Those that follow what has not come.
    fn left(&mut self) -> Vec<Stray> {
        let open = std::mem::take(&mut self.open);
        open.into_iter().filter(|stray| !self.came(stray.cause())).collect()
    }

    /// The same of a trail, which follows nothing but itself: `ids` are those of all its lines.
    pub(super) fn end_of_trail(
        mut self,
        ledger: &Ledger<'_>,
        ids: &dyn Fn() -> Result<HashSet<String>>,
    ) -> Result<Option<Stray>> {
        let open = self.left();
        if let Some(stray) = self.homes.end(ledger)?.into_iter().next() {
            return Ok(Some(stray));
        }
        let ids = if open.is_empty() { HashSet::new() } else { ids()? };
        Ok(open.into_iter().find(|stray| !ids.contains(stray.cause())))
    }

    /// The first that is of another repository, or follows what neither came nor stands in these.
    pub(super) fn end(mut self, ledger: &Ledger<'_>, shelves: &[&Shelf]) -> Result<Option<Stray>> {
        let mut open = self.left();
        if let Some(stray) = self.homes.end(ledger)?.into_iter().next() {
            return Ok(Some(stray));
        }
        if !open.is_empty() {
            let ends: Ends = ledger.read()?;
            open.retain(|stray| !ends.has(&stray.on, stray.cause()));
        }
        let mut names: HashSet<String> = open.iter().map(|it| it.cause().to_owned()).collect();
        for shelf in shelves {
            ledger.strike_out(shelf, &mut names)?;
        }
        Ok(open.into_iter().find(|stray| names.contains(stray.cause())))
    }
}

/// The lines of a file that say nothing. `tells` is whether one before them did.
fn silence(file: &[u8], tells: &mut bool) -> Result<Vec<Stray>> {
    let mut silent = Vec::new();
    for stored in split(file)?.into_iter().filter(|stored| !follows(stored)) {
        let line = Line::parse(stored)?;
        *tells |= line.of.is_some();
        if *tells && line.of.is_none() && line.after.is_empty() {
            silent.push(Stray::of(&line, Why::Silence));
        }
    }
    Ok(silent)
}

impl Ledger<'_> {
    /// The commit by which lines that are written now say of which repository they are: what the ledger
    /// says, else what the history here begins with.
    pub(super) fn whose(&self) -> Result<Option<Oid>> {
        if let Some(known) = self.whose.get() {
            return Ok(*known);
        }
        let told = match self.repo.read_ref(&self.name)? {
            Some(tip) => self.shelf_of(&tip)?.root(&self.store).map_err(unreadable)?,
            None => None,
        };
        // Damage elsewhere is no reason not to write.
        let root = told.or_else(|| self.beginning().ok().flatten());
        Ok(*self.whose.get_or_init(|| root))
    }

    /// Has a ledger say whose it is, if it does not and that can be told.
    pub(super) fn settle_in(&self, shelf: &mut Shelf) -> Result<()> {
        match (shelf.root(&self.store)?, self.whose()?) {
            (None, Some(root)) => self.give_root(shelf, &root),
            _ => Ok(()),
        }
    }

    pub(super) fn give_root(&self, shelf: &mut Shelf, root: &Oid) -> Result<()> {
        place::write(&self.repo.desk_dir()?.join(BEGUN), root)?;
        shelf.set_root(&self.store, root)
    }

    /// What a ledger has to say instead that was begun here and that nobody else has seen, where what it
    /// says was amended: others have never had that commit.
    pub(super) fn amended(&self, root: &Oid) -> Result<Option<Oid>> {
        if !self.began_with(root) || !self.repo.refs_under(remote::PINS)?.is_empty() {
            return Ok(None);
        }
        let gone = !self.repo.is_in_history(root, &["refs/heads/"])?;
        Ok(self.beginning()?.filter(|_| gone))
    }

    /// Whether the ledger got that root from this clone, whatever has become of that commit since.
    fn began_with(&self, root: &Oid) -> bool {
        self.begun().as_ref() == Some(root)
    }

    /// What the ledger got from this clone.
    pub(super) fn begun(&self) -> Option<Oid> {
        place::read(&self.repo.desk().join(BEGUN))
    }

    /// The commit with which this repository's history begins, if it can be told.
    pub(super) fn beginning(&self) -> Result<Option<Oid>> {
        if self.repo.is_shallow() {
            return Ok(None);
        }
        let branch = RefName::branch(&self.repo.default_branch()?)?;
        let Some(tip) = self.repo.read_ref(&branch)? else { return Ok(None) };
        self.repo.root_of(&tip)
    }

    /// Whether a history that begins so is this repository's; none where there is no history to tell by.
    pub(super) fn is_home(&self, root: &Oid) -> Result<Option<bool>> {
        if self.repo.config_all(FORMER)?.contains(&root.to_string()) || self.began_with(root) {
            return Ok(Some(true));
        }
        // What was taken in before was looked at then.
        for (_, pinned) in self.repo.refs_under(remote::PINS)? {
            if self.shelf_of(&pinned)?.root(&self.store)?.as_ref() == Some(root) {
                return Ok(Some(true));
            }
        }
        let Some(beginning) = self.beginning()? else { return Ok(None) };
        if beginning == *root {
            return Ok(Some(true));
        }
        // Branches of this repository, and none of others that it fetches from.
        let remote = remote::default_remote(self.repo)?;
        let theirs = remote.map(|remote| format!("refs/remotes/{remote}/"));
        let places: Vec<_> = ["refs/heads/"].into_iter().chain(theirs.as_deref()).collect();
        self.repo.is_in_history(root, &places).map(Some)
    }

    /// Lines that say less than those before them in their sequence: who once says of which repository
    /// it writes does so ever after.
    pub(super) fn silent(&self, shelf: &Shelf) -> Result<Vec<Stray>> {
        let mut silent = Vec::new();
        for (_, dir) in shelf.replicas() {
            let mut tells = false;
            for leaf in Book::open(&self.store, dir)?.leaves(&self.store, 0)? {
                silent.extend(silence(&leaf.bytes(&self.store)?, &mut tells)?);
            }
        }
        Ok(silent)
    }

    /// A no to a ledger of another repository that stands where ours should.
    pub(super) fn at_home(&self, shelf: &Shelf) -> Result<()> {
        match shelf.root(&self.store)? {
            Some(root) if self.is_home(&root)? == Some(false) => {
                let no = Refusal::refused(format!("the ledger belongs to {}", elsewhere(&root)));
                Err(self.with_way_back(no)?.hint(meant(&root)).into())
            }
            _ => Ok(()),
        }
    }

    /// A no to lines of another ledger among ours, of those that `there` has not.
    pub(super) fn keeps_house(&self, shelf: &Shelf, there: Option<&Shelf>) -> Result<()> {
        let known = there.map_or(Ok(Positions::new()), |there| self.positions_of(there))?;
        for known in [known, Positions::new()] {
            let mut travellers = Travellers::of(shelf.roots(&self.store)?);
            let each = &mut |line| travellers.line(&line);
            if let News::To(_) = shelf.news(&self.store, &known, each)? {
                return match travellers.end(self, &[shelf])? {
                    Some(stray) => Err(self.unsent(&stray)?.into()),
                    None => Ok(()),
                };
            }
        }
        Err(anyhow!("its lines have no order"))
    }

    /// A no to sending a line that is not ours.
    pub(super) fn unsent(&self, stray: &Stray) -> Result<Refusal> {
        let no = Refusal::refused(format!("the ledger {}", stray.told()))
            .hint("nothing was sent; git bead verify names all such lines");
        Ok(stray.explain(self.with_way_back(no)?))
    }

    /// What was there before, as remotes have shown it.
    fn with_way_back(&self, no: Refusal) -> Result<Refusal> {
        let pins = self.repo.refs_under(remote::PINS)?.into_iter();
        Ok(pins.fold(no, |no, (name, pinned)| {
            no.hint(format!("{name} is what was seen before: git log --stat {pinned}..{REF}"))
                .hint(format!("git update-ref {REF} {pinned}"))
                .hint("that goes back to it")
        }))
    }

    /// Takes out of these ids all that a shelf has. What is asked for is mostly among its newest lines.
    pub(super) fn strike_out(&self, shelf: &Shelf, names: &mut HashSet<String>) -> Result<()> {
        let leaves = |(_, dir)| Book::open(&self.store, dir)?.leaves(&self.store, 0);
        let mut books: Vec<Vec<Leaf>> = shelf.replicas().map(leaves).collect::<Result<_>>()?;
        while !names.is_empty() && books.iter().any(|book| !book.is_empty()) {
            for leaf in books.iter_mut().filter_map(Vec::pop) {
                for name in split(&leaf.bytes(&self.store)?)?.into_iter().filter_map(told_id) {
                    names.remove(name);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, after: &[&str], of: Option<u8>) -> Line {
        let after = after.iter().map(|id| id.repeat(26)).collect();
        Line { id: id.repeat(26), after, of: of.map(root), ..Line::default() }
    }

    fn root(digit: u8) -> Oid {
        digit.to_string().repeat(40).parse().unwrap()
    }

    #[test]
    fn a_line_that_names_another_repository_is_told_from_one_that_names_none() {
        let mut homes = Homes::of(vec![root(1)]);
        for line in [
            line("a", &[], Some(1)),
            line("b", &[], None),
            line("c", &["b"], None),
            line("d", &[], Some(2)),
        ] {
            homes.line(&line);
        }
        let others: Vec<_> = homes.others.values().flatten().map(Stray::told).collect();
        assert_eq!(others.len(), 1);
        assert!(others[0].contains("dddd") && others[0].contains("2222222222"), "{others:?}");
    }

    #[test]
    fn who_comes_before_its_cause_is_no_stray() {
        let mut travellers = Travellers::of(Vec::new());
        for line in [line("b", &["a"], None), line("a", &[], None), line("c", &["x", "b"], None)] {
            travellers.line(&line);
        }
        let open: Vec<_> = travellers.open.iter().map(Stray::what).collect();
        assert_eq!(open.len(), 2);
        assert!(travellers.came(&"a".repeat(26)) && !travellers.came(&"x".repeat(26)));
    }
}
