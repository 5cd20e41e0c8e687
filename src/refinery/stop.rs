//! Why the last refinery stopped although something waited. Only a display: whoever comes next tries
//! again, and a failure to write it stops nothing.

use std::fs;
use std::path::PathBuf;

use crate::git::Repo;
use crate::host::share;
use crate::refinery::lease::file_name;
use crate::refusal::Refusal;

/// Why the queue stands, and what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    pub why: String,
    pub steps: Vec<String>,
}

/// Notes why a pass over the queue ended early, or that the last one did not.
pub fn stopped(repo: &Repo, target: &str, why: Option<&anyhow::Error>) {
    let place = place(repo, target);
    drop(match why {
        Some(why) => share::write(&place, text(why)),
        None => fs::remove_file(place),
    });
}

/// Why the queue stands, as far as the last pass over it knew.
pub fn why_stopped(repo: &Repo, target: &str) -> Option<Stopped> {
    let text = fs::read_to_string(place(repo, target)).ok()?;
    let mut lines = text.lines().map(str::to_owned);
    Some(Stopped { why: lines.next()?, steps: lines.collect() })
}

/// The reason in the first line, the next steps below it.
fn text(why: &anyhow::Error) -> String {
    let line = |text: &str| text.lines().collect::<Vec<_>>().join("; ") + "\n";
    let steps = why.downcast_ref::<Refusal>().map_or(&[][..], |refusal| &refusal.hints);
    steps.iter().fold(line(&format!("{why:#}")), |text, step| text + &line(step))
}

fn place(repo: &Repo, target: &str) -> PathBuf {
    let name = format!("{}.stopped", file_name(target));
    repo.common_dir().join("shopfloor").join("refinery").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_one_line_and_the_steps_follow() {
        let no = Refusal::again("fetch failed: a\nb").hint("wait").hint("or not");
        assert_eq!(text(&no.into()), "fetch failed: a; b\nwait\nor not\n");
        assert_eq!(text(&anyhow::anyhow!("disk")), "disk\n");
    }
}
