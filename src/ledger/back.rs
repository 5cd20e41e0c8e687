//! The way back for who finds no ledger where there was one: what of it is known here, and the command
//! that puts it back as it stands.

use std::path::PathBuf;

use anyhow::Result;

use super::format;
use super::manners::OURS;
use super::place::Seen;
use super::remote::{PINS, default_remote};
use super::salvage::Salvage;
use super::{Ledger, REF, pin};
use crate::git::Oid;
use crate::refusal::{Refusal, quoted};

/// Where it is kept what was fetched of each remote last.
const TRACKING: &str = "refs/shopfloor/remotes/";
/// More ways than these help nobody.
const WAYS: usize = 3;

/// What puts a whole ledger back.
#[derive(Clone, Debug)]
pub struct Way {
    pub command: String,
    /// Which one that is, in words.
    pub to: String,
    pub lines: u64,
    /// Whether all is in it that this clone has seen.
    pub has_all: bool,
    /// Whether no remote is known to have what is lost: this is all that is left.
    pub is_only: bool,
}

impl Ledger<'_> {
    /// A no to who finds nothing, where a remote's ledger was taken in once: what was taken in is ours.
    pub(super) fn never_was(&self) -> Result<()> {
        match self.repo.refs_under(PINS)?.first() {
            Some((pin, _)) => {
                let why = format!("there is no {REF}, and {pin} tells that there was one");
                Err(self.lost(&why, None).into())
            }
            None => Ok(()),
        }
    }

    /// A no for who cannot read the ref.
    pub(super) fn illegible(&self, no: anyhow::Error) -> anyhow::Error {
        match no.downcast::<Refusal>() {
            Ok(Refusal { what, .. }) => {
                let file = self.repo.common_dir().join(REF);
                self.lost(&what, Some(file).filter(|file| file.is_file())).into()
            }
            Err(no) => no,
        }
    }

    /// A no where the ref names what is no ledger. None where it names one, be that damaged.
    pub(super) fn astray(&self, tip: &Oid) -> Option<Refusal> {
        let kind = self.repo.git(["cat-file", "-t"]).arg(tip.to_string()).text();
        let why = match kind.as_deref() {
            Ok("commit") => match self.repo.file_at(tip, format::FILE) {
                Ok(None) => format!("{REF} names {tip}, which is no ledger"),
                _ => return None,
            },
            Ok(kind) => format!("{REF} names {tip}, which is a {kind} and no ledger"),
            Err(_) if self.was_one(tip) => return None,
            Err(_) => format!("{REF} names {tip}, which is nowhere"),
        };
        Some(self.lost(&why, None))
    }

    /// Whether what cannot be read stands among our objects and is damaged, or a remote has it.
    fn was_one(&self, tip: &Oid) -> bool {
        let pins = || self.repo.refs_under(PINS).unwrap_or_default();
        self.store.has(tip) || pins().iter().any(|(_, pinned)| pinned == tip)
    }

    /// What is lost, and every way back that is known. A ref that git itself cannot read is in its way.
    pub(super) fn lost(&self, why: &str, broken: Option<PathBuf>) -> Refusal {
        let refusal = Refusal::fatal(format!("{OURS} is gone: {why}"));
        let aside = broken.map(|file| format!("rm {} && ", quoted(file))).unwrap_or_default();
        let ways = self.ways();
        if ways.is_empty() {
            return self.anew(refusal, &aside);
        }
        ways.into_iter().take(WAYS).fold(refusal, |refusal, Way { command, to, .. }| {
            refusal.hint(format!("{aside}{command}")).hint(format!("that goes back to {to}"))
        })
    }

    /// The way on where nothing of it is left here: what names it has to go, or it would be missed.
    fn anew(&self, refusal: Refusal, aside: &str) -> Refusal {
        let ours = [PINS, TRACKING, REF].into_iter();
        let named = ours.flat_map(|start| self.repo.refs_under(start).unwrap_or_default());
        let lost = named.filter(|(_, id)| !self.is_whole(id)).map(|(name, _)| name);
        let mut steps: Vec<_> = lost.map(|name| format!("git update-ref -d {name}")).collect();
        if Seen::load(self.repo).is_some() {
            steps.push(format!("rm {}", quoted(self.repo.desk().join("seen"))));
        }
        let elsewhere = "unless another clone of this repository has it, or a backup of .git";
        let told = match default_remote(self.repo) {
            Ok(Some(remote)) => {
                steps.push(format!("git bead sync {remote}"));
                format!(
                    "that takes in what {remote} has of it; what was written here and not sent there is lost, {elsewhere}"
                )
            }
            _ => format!("that begins a new one; what was written here is lost, {elsewhere}"),
        };
        refusal.hint(format!("{aside}{}", steps.join(" && "))).hint(told)
    }

    /// What puts the ref back. What was seen since then has to be forgotten, or it would be missed.
    fn back_to(&self, tip: &Oid) -> String {
        let forget =
            Seen::load(self.repo).filter(|seen| seen.tip != *tip).map(|_| self.forgetting());
        format!("git update-ref {REF} {tip}{}", forget.unwrap_or_default())
    }

    fn forgetting(&self) -> String {
        format!(" && rm {}", quoted(self.repo.desk().join("seen")))
    }

    /// The whole ledgers that are known here, the newest first.
    fn ways(&self) -> Vec<Way> {
        let seen =
            Seen::load(self.repo).map(|seen| (seen.tip, "what this clone saw last".to_owned()));
        let refs = [PINS, TRACKING];
        let refs =
            refs.into_iter().flat_map(|start| self.repo.refs_under(start).unwrap_or_default());
        let refs = refs.map(|(name, tip)| (tip, format!("what {name} names")));
        let (mut known, mut ways) = (Vec::new(), Vec::new());
        for (tip, to) in seen.into_iter().chain(refs) {
            if known.contains(&tip) {
                continue;
            }
            known.push(tip);
            if let Ok(lines) = self.lines_at(&tip) {
                let command = self.back_to(&tip);
                ways.push(Way { command, to, lines, has_all: false, is_only: false });
            }
        }
        if let Some(salvage) = self.salvage()
            && ways.iter().all(|way| way.lines < salvage.lines)
        {
            let Salvage { tree, lines, has_all } = salvage;
            let forget = Seen::load(self.repo).filter(|_| !has_all).map(|_| self.forgetting());
            let new = format!("$(git commit-tree {tree} -m ledger)");
            let command = format!("git update-ref {REF} {new}{}", forget.unwrap_or_default());
            let to = "the newest files of ours that are whole".to_owned();
            let is_only = !self.is_at_a_remote();
            ways.insert(0, Way { command, to, lines, has_all, is_only });
        }
        ways
    }

    /// What goes back to most of it, where its newest state cannot be read.
    pub(super) fn resort(&self) -> Option<Way> {
        let now = self.repo.read_ref(&self.name).ok()??;
        let others = self.ways().into_iter().filter(|way| way.command != self.back_to(&now));
        others.reduce(|best, way| if way.lines > best.lines { way } else { best })
    }

    /// Whether a remote has shown the very commit that the ref names.
    fn is_at_a_remote(&self) -> bool {
        let tip = self.repo.read_ref(&self.name).ok().flatten();
        let pins = self.repo.refs_under(PINS).unwrap_or_default();
        pins.iter().any(|(_, pinned)| Some(pinned) == tip.as_ref())
    }

    fn is_whole(&self, tip: &Oid) -> bool {
        self.lines_at(tip).is_ok()
    }

    /// How many lines there are, where it is whole as far as can be told without reading them all.
    fn lines_at(&self, tip: &Oid) -> Result<u64> {
        let shelf = self.shelf_of(tip)?;
        self.positions_of(&shelf)?;
        pin::count(&self.store, &shelf)
    }
}
