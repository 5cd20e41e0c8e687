//! The branch that a verb of `git refinery` is about.

use anyhow::Result;

use crate::cli::context::Context;
use crate::git::RefName;

#[derive(clap::Args)]
pub(super) struct Target {
    /// The branch that is landed on, if not the default one
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
}

impl Target {
    pub(super) fn name(&self, cx: &Context) -> Result<String> {
        match &self.target {
            Some(target) => {
                let target = target.strip_prefix("refs/heads/").unwrap_or(target);
                RefName::branch(target)?;
                Ok(target.to_owned())
            }
            None => cx.repo()?.default_branch(),
        }
    }
}
