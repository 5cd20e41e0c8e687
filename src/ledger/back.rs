//! The way back for who finds no ledger where there was one: what of it is known here, and the command
//! that puts it back as it stands.

use std::path::PathBuf;

use anyhow::Result;

use super::format;
use super::manners::OURS;
use super::place::Seen;
use super::remote::PINS;
use super::{Ledger, REF};
use crate::git::Oid;
use crate::refusal::{Refusal, quoted};

/// More ways than these help nobody.
const WAYS: usize = 3;

/// Where a ledger stood, and who says so.
struct Stood {
    tip: Oid,
    told_by: String,
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

    /// Whether what cannot be read is known for a ledger, or stands among our objects and is damaged.
    fn was_one(&self, tip: &Oid) -> bool {
        let pins = || self.repo.refs_under(PINS).unwrap_or_default();
        self.store.has(tip)
            || Seen::load(self.repo).is_some_and(|seen| seen.tip == *tip)
            || pins().iter().any(|(_, pinned)| pinned == tip)
    }

    /// What is lost, and every way back that is known. A ref that git itself cannot read is in its way.
    pub(super) fn lost(&self, why: &str, broken: Option<PathBuf>) -> Refusal {
        let refusal = Refusal::fatal(format!("{OURS} is gone: {why}"));
        let aside = broken.map(|file| format!("rm {} && ", quoted(file))).unwrap_or_default();
        let stood = self.stood();
        if stood.is_empty() {
            return refusal
                .hint(format!("{aside}git bead sync takes in what a remote has of it"))
                .hint("another clone of this repository, or a backup, may have it, too");
        }
        stood.into_iter().take(WAYS).fold(refusal, |refusal, Stood { tip, told_by }| {
            refusal.hint(format!("back to what {told_by}: {aside}{}", self.back_to(&tip)))
        })
    }

    /// Puts the ref back. What was seen since then has to be forgotten for that, or it would be missed.
    fn back_to(&self, tip: &Oid) -> String {
        let back = format!("git update-ref {REF} {tip}");
        match Seen::load(self.repo).filter(|seen| seen.tip != *tip) {
            Some(_) => format!("{back} && rm {}", quoted(self.repo.desk().join("seen"))),
            None => back,
        }
    }

    /// The whole ledgers that are known here, the newest first.
    fn stood(&self) -> Vec<Stood> {
        let seen = Seen::load(self.repo)
            .map(|seen| Stood { tip: seen.tip, told_by: "this clone saw last".to_owned() });
        let refs = [PINS, "refs/shopfloor/remotes/"];
        let refs =
            refs.into_iter().flat_map(|start| self.repo.refs_under(start).unwrap_or_default());
        let refs = refs.map(|(name, tip)| Stood { tip, told_by: format!("{name} names") });
        let mut found: Vec<Stood> = Vec::new();
        for stood in seen.into_iter().chain(refs) {
            let is_new = found.iter().all(|known| known.tip != stood.tip);
            if is_new && self.is_whole(&stood.tip) {
                found.push(stood);
            }
        }
        found
    }

    /// What goes back to what of it was exchanged last and is whole.
    pub(super) fn resort(&self) -> Option<String> {
        let pins = self.repo.refs_under(PINS).unwrap_or_default();
        let now = self.repo.read_ref(&self.name).ok()??;
        let others = pins.into_iter().map(|(_, tip)| tip).filter(|tip| *tip != now);
        others.into_iter().find(|tip| self.is_whole(tip)).map(|tip| self.back_to(&tip))
    }

    /// As far as can be told without reading every line.
    fn is_whole(&self, tip: &Oid) -> bool {
        self.shelf_of(tip).and_then(|shelf| self.positions_of(&shelf)).is_ok()
    }
}
