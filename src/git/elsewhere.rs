//! Objects of ours that stand neither in our own directory nor where gix finds them.

use std::cell::OnceCell;

use anyhow::{Context as _, Result};
use gix::objs::{Find as _, Kind};

use super::{Oid, Repo, alternates};

/// Where else an object may be, opened when something is missing.
#[derive(Default)]
pub(super) struct Elsewhere {
    incoming: OnceCell<gix::odb::Handle>,
    lent: OnceCell<Option<gix::odb::Handle>>,
}

impl Elsewhere {
    pub(super) fn find(&self, repo: &Repo, id: &Oid) -> Result<Option<(Kind, Vec<u8>)>> {
        for odb in [self.incoming(repo, id)?, self.lent(repo)].into_iter().flatten() {
            let mut bytes = Vec::new();
            let found = odb.try_find(&id.id(), &mut bytes);
            let found = found.with_context(|| format!("reading object {id}"))?;
            if let Some(kind) = found.map(|data| data.kind) {
                return Ok(Some((kind, bytes)));
            }
        }
        Ok(None)
    }

    /// A push that git has not accepted yet: it asks its hooks first, and tells them where what was
    /// pushed waits.
    fn incoming(&self, repo: &Repo, id: &Oid) -> Result<Option<&gix::odb::Handle>> {
        let Some(dir) = repo.env().get("GIT_QUARANTINE_PATH") else { return Ok(None) };
        if let Some(known) = self.incoming.get() {
            return Ok(Some(known));
        }
        let odb = gix::odb::at(dir, id.id().kind()).context("opening what was pushed")?;
        Ok(Some(self.incoming.get_or_init(|| odb)))
    }

    /// What is borrowed by way of others becomes ours when it is missed first.
    fn lent(&self, repo: &Repo) -> Option<&gix::odb::Handle> {
        let take = || {
            let dir = repo.common_dir().join(alternates::DIR);
            let hash = repo.handle().object_hash();
            let any = alternates::take_over_lent(repo.common_dir()).is_ok_and(|any| any);
            any.then(|| gix::odb::at(dir, hash).ok()).flatten()
        };
        self.lent.get_or_init(take).as_ref()
    }
}
