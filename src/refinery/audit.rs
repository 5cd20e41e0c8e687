//! Walks the first-parent history of the target from its tip to where the queue first knew it. Each
//! commit must have its evidence: a landing whose tree is the commit's own and for which every gate
//! that its parent demanded has passed. What somebody else put there is named, and what landed and
//! is no longer there.

use std::collections::BTreeSet;

use anyhow::Result;
use serde::Serialize;

use crate::git::{Commit, Oid, RefName, Repo};
use crate::ledger::Ledger;
use crate::policy;
use crate::refinery::clones;
use crate::refinery::entry::Entry;
use crate::refinery::event::{Foreign, Tested};
use crate::refinery::lane::Lane;
use crate::refinery::queue::Queue;
use crate::refinery::verdict::Verdict;
use crate::refusal::Refusal;

/// What an audit found.
#[derive(Clone, Debug, Serialize)]
pub struct Audit {
    pub target: String,
    pub tip: Oid,
    pub baseline: Oid,
    pub commits: usize,
    /// Landings whose parent demanded no gate at all: evidence of a tree, of no test.
    pub ungated: usize,
    /// The entry that is landing just now: the target has it, and the word for it is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landing: Option<String>,
    /// What landed in other clones and is not here yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Oid>,
    pub findings: Vec<Finding>,
}

/// One commit that does not have its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub commit: Oid,
    pub subject: String,
    pub kind: Kind,
    pub said: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Somebody moved the target past the queue.
    Foreign,
    /// No line says that this landed.
    NoEvidence,
    /// What was tested is not what stands there.
    OtherTree,
    /// A gate that was demanded has not passed.
    Gate,
    /// It had landed, and somebody took it off the target.
    Rewound,
    /// Another clone has landed it too, and the target here has that landing alone which was made here.
    Twice,
}

/// Audits `target`. Each gate in `required` must have passed for every commit, whatever its parent's
/// file says.
pub fn audit(repo: &Repo, ledger: &Ledger<'_>, target: &str, required: &[String]) -> Result<Audit> {
    let queue = ledger.read::<Queue>()?;
    let unknown = || unknown(repo, target);
    let lane = queue.lane(target).ok_or_else(unknown)?;
    let baseline = lane.baseline.ok_or_else(unknown)?;
    let tip = repo.read_ref(&RefName::branch(target)?)?.ok_or_else(unknown)?;
    let commits = repo.first_parents(&tip, Some(&baseline))?;
    let mut audit = Audit {
        target: target.to_owned(),
        tip,
        baseline,
        commits: commits.len(),
        ungated: 0,
        landing: None,
        behind: Vec::new(),
        findings: Vec::new(),
    };
    if !repo.is_ancestor(&baseline, &tip)? {
        let said =
            format!("{target} no longer contains {}, where the queue began", baseline.short());
        audit.find(baseline, "", Kind::Foreign, said);
    }
    let mut foreign = None;
    for id in commits {
        let commit = repo.commit(&id)?;
        foreign = lane.foreign.iter().find(|foreign| foreign.new == id).or(foreign);
        foreign = foreign.filter(|foreign| foreign.old != id);
        let landed = lane.landing(&id).and_then(|entry| Some((entry, entry.tested.as_ref()?)));
        match lane.evidence(&id).or(landed) {
            Some((entry, tested)) => {
                foreign = None;
                audit.landing =
                    audit.landing.or_else(|| entry.intent.as_ref().map(|_| entry.name()));
                audit.landing(repo, (id, &commit), (&entry.name(), tested), required)?;
            }
            None => audit.stranger(foreign, id, &commit),
        }
    }
    audit.taken_back(repo, lane)?;
    audit.cut_out(repo)?;
    Ok(audit)
}

/// Nothing was ever to land on this branch, as far as is known here: an audit of that proves nothing,
/// so it is no success.
fn unknown(repo: &Repo, target: &str) -> Refusal {
    let no = Refusal::nothing(format!("nothing to audit: nothing was ever queued for {target}"))
        .hint(format!("its evidence begins with the first change that is queued for {target}"));
    match repo.remotes().is_ok_and(|remotes| !remotes.is_empty()) {
        true => no.hint("what was queued in other clones comes with `git bead sync`"),
        false => no,
    }
}

impl Audit {
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn landing(
        &mut self,
        repo: &Repo,
        (id, commit): (Oid, &Commit),
        (name, tested): (&str, &Tested),
        required: &[String],
    ) -> Result<()> {
        let parent = commit.parents.first();
        if tested.candidate != id || tested.tree != commit.tree || parent != Some(&tested.base) {
            let said = format!("the evidence of {name} is for another tree");
            self.find(id, commit.subject(), Kind::OtherTree, said);
            return Ok(());
        }
        let demanded = policy::read(repo, &tested.base)?.gates;
        self.ungated += usize::from(demanded.is_empty() && required.is_empty());
        let passed = |gate: &str, command: Option<&str>| {
            tested.gates.iter().any(|ran| {
                ran.gate == gate
                    && ran.verdict == Verdict::Pass
                    && command.is_none_or(|command| ran.command == command)
            })
        };
        for (gate, demand) in &demanded {
            if !passed(gate, Some(&demand.command.to_string())) {
                let said = format!("{name} landed without the gate {gate}");
                self.find(id, commit.subject(), Kind::Gate, said);
            }
        }
        for gate in required {
            if !demanded.contains_key(gate) && !passed(gate, None) {
                let said = format!("{name} landed while {} had no gate {gate}", policy::FILE);
                self.find(id, commit.subject(), Kind::Gate, said);
            }
        }
        Ok(())
    }

    /// Landings that the target no longer contains, or that it has otherwise.
    fn taken_back(&mut self, repo: &Repo, lane: &Lane) -> Result<()> {
        let tip = self.tip;
        let there: BTreeSet<_> = repo.first_parents(&tip, None)?.into_iter().collect();
        let has = |commit: &Oid| -> Result<bool> {
            Ok(there.contains(commit) || (repo.exists(commit) && repo.is_ancestor(commit, &tip)?))
        };
        for entry in lane.entries.values() {
            let (mut here, mut missing) = (None, Vec::new());
            for commit in entry.landings() {
                match has(&commit)? {
                    true => here = here.or(Some(commit)),
                    false => missing.push(commit),
                }
            }
            for commit in missing {
                self.missing(repo, lane, (entry, here), commit)?;
            }
        }
        Ok(())
    }

    /// A landing that is not here, of an entry that landed here as `here`, if it did.
    fn missing(
        &mut self,
        repo: &Repo,
        lane: &Lane,
        (entry, here): (&Entry, Option<Oid>),
        commit: Oid,
    ) -> Result<()> {
        let subject = match repo.exists(&commit) {
            true => repo.commit(&commit)?.subject().to_owned(),
            false => String::new(),
        };
        let name = entry.name();
        if let Some(here) = here {
            let same = entry.evidence(&here).map(|tested| &tested.tree)
                == entry.evidence(&commit).map(|tested| &tested.tree);
            let said = format!(
                "two clones landed {name}: here it is {}, elsewhere {}, with {} tree; a merge of both ends that",
                here.short(),
                commit.short(),
                if same { "the same" } else { "another" },
            );
            self.find(commit, &subject, Kind::Twice, said);
        } else if clones::is_ahead(repo, lane, &self.target, (&self.tip, &commit))? {
            self.behind.push(commit);
        } else {
            let said = format!("rewound: {name} landed it, and {} no longer has it", self.target);
            self.find(commit, &subject, Kind::Rewound, said);
        }
        Ok(())
    }

    /// Gates of the target that somebody has cut out of the file where the target is checked out: the
    /// queue does not see that yet, and a person who looks at the file would be deceived.
    fn cut_out(&mut self, repo: &Repo) -> Result<()> {
        let branch = RefName::branch(&self.target)?;
        let demanded = policy::read(repo, &self.tip)?.gates;
        for worktree in repo.worktrees()? {
            if demanded.is_empty() || worktree.branch.as_ref() != Some(&branch) {
                continue;
            }
            let edited = policy::as_edited(&worktree.path)?.gates;
            for gate in demanded.keys().filter(|gate| !edited.contains_key(*gate)) {
                let file = worktree.path.join(policy::FILE);
                let said = format!("the gate {gate} was cut out of {}", file.display());
                self.find(self.tip, repo.commit(&self.tip)?.subject(), Kind::Gate, said);
            }
        }
        Ok(())
    }

    /// A commit that no landing made, with the move that brought it, if one is recorded.
    fn stranger(&mut self, foreign: Option<&Foreign>, id: Oid, commit: &Commit) {
        let by = format!("{} <{}>", commit.author.name, commit.author.email);
        let Some(foreign) = foreign else {
            let said = format!("no evidence; author {by}");
            self.find(id, commit.subject(), Kind::NoEvidence, said);
            return;
        };
        let red = foreign.gates.iter().find(|ran| ran.verdict != Verdict::Pass);
        let gates = match red {
            Some(ran) => format!("{} gave {}", ran.gate, ran.verdict),
            None if foreign.gates.is_empty() => "no gates".to_owned(),
            None => "its gates passed".to_owned(),
        };
        let said = format!("not landed by the queue; author {by}; {gates}");
        self.find(id, commit.subject(), Kind::Foreign, said);
    }

    fn find(&mut self, commit: Oid, subject: &str, kind: Kind, said: String) {
        self.findings.push(Finding { commit, subject: subject.to_owned(), kind, said });
    }
}
