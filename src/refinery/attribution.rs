//! Every commit names one author of record: an agent with its owner, by trailers equal to the
//! holder of the epoch, or a person, by having none. Git hooks help the honest; this is where a
//! commit made around them is found out. Pure.

use crate::refinery::author::Author;
use crate::refinery::holder::{Commit, Holder, differs, holds, missing};
use crate::refinery::marks::Marks;
use crate::refusal::Refusal;

/// Everything beside the commits that decides.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules<'a> {
    /// The holder the submission speaks for, if it says so.
    pub holder: Option<&'a Holder>,
    /// The agent that submitted, if one did; then no commit may go without its marks.
    pub agent: Option<&'a str>,
    /// The session that submitted, where it shows.
    pub session: Option<&'a str>,
    /// Every claim that stands: nobody else may use these names.
    pub held: &'a [Holder],
    /// Every session there ever was: a bead that is slung again carries its earlier sessions' commits.
    pub former: &'a [Holder],
    /// Agent programs that people also start by hand; their names say nothing about a session.
    pub programs: &'a [&'a str],
    /// E-mail addresses of the people whose word counts; empty means everybody's.
    pub overseers: &'a [String],
    /// Who answers for the submission.
    pub submitter: &'a str,
}

/// Judges all commits of a submission, oldest first; the author of the last is its author.
pub(super) fn judge(commits: &[Commit], rules: &Rules<'_>) -> Result<Author, Refusal> {
    let mut author = Author { name: String::new(), email: String::new(), vouched: None };
    for commit in commits {
        let one = judge_one(commit, rules).map_err(|fault| {
            let refusal = Refusal::refused(format!("commit {}: {}", commit.name, fault.what));
            fault.hints.into_iter().fold(refusal, Refusal::hint)
        })?;
        let vouched = one.vouched.or(author.vouched);
        author = Author { vouched, ..one };
    }
    present(commits, rules)?;
    Ok(author)
}

/// Commits of earlier sessions land when the present one submits them: it says so itself, or the
/// newest commit is its own.
fn present(commits: &[Commit], rules: &Rules<'_>) -> Result<(), Refusal> {
    let Some(held) = rules.holder.and_then(|holder| holder.session.as_deref()) else {
        return Ok(());
    };
    let Some(newest) = commits.last().filter(|_| rules.session != Some(held)) else {
        return Ok(());
    };
    match Marks::of(&newest.message)?.session {
        Some(said) if said == held => Ok(()),
        said => Err(differs("Agent-Session", said.unwrap_or_default(), held)),
    }
}

fn judge_one(commit: &Commit, rules: &Rules<'_>) -> Result<Author, Refusal> {
    let marks = Marks::of(&commit.message)?;
    let Some(agent) = marks.agent else {
        // A claim without a session is a person's, whose commits have no marks.
        let slung = rules.holder.filter(|holder| holder.session.is_some());
        return match rules.agent.or(slung.map(|holder| holder.agent.as_str())) {
            Some(agent) => Err(missing("Agent", agent)),
            None => person(commit, rules),
        };
    };
    if let Some(expected) = rules.agent.filter(|expected| *expected != agent)
        && rules.holder.is_none()
    {
        return Err(differs("Agent", agent, expected));
    }
    // What an earlier session left is the present holder's to submit, nobody else's.
    let former = if rules.holder.is_some() { rules.former } else { &[] };
    match (rules.holder, marks.bead) {
        (Some(holder), None) => return Err(missing("Bead", &holder.bead)),
        (Some(holder), Some(bead)) => holds(holder, former, bead, (agent, marks.session, commit))?,
        (None, Some(bead)) => {
            let holder = rules.held.iter().find(|holder| holder.bead == bead);
            let holder = holder.ok_or_else(|| {
                Refusal::refused(format!("`Bead: {bead}` names a bead that nobody holds"))
                    .hint(format!("git bead update {bead} --claim, then submit it again"))
            })?;
            holds(holder, former, bead, (agent, marks.session, commit))?;
        }
        (None, None) => ad_hoc(agent, commit, rules)?,
    }
    if marks.signed_off_as(agent) {
        return Err(Refusal::refused(
            "`Signed-off-by` is a person's word, an agent cannot give it",
        )
        .hint("amend without -s"));
    }
    known(commit, rules, agent)
}

/// An agent program that a person started is that person's, under a name that no slung agent has.
fn ad_hoc(agent: &str, commit: &Commit, rules: &Rules<'_>) -> Result<(), Refusal> {
    let by_hand = rules.programs.contains(&agent) && commit.author != agent;
    if is_slung(agent, rules) && !by_hand {
        return Err(Refusal::refused(format!(
            "{agent} is slung to beads, and the commit does not say which"
        ))
        .hint("its own worktree adds the trailers; amend there without --no-verify"));
    }
    if !commit.email.eq_ignore_ascii_case(rules.submitter) {
        return Err(Refusal::refused(format!(
            "its author is {}, but {} answers for {agent}",
            commit.email, rules.submitter
        ))
        .hint("who started the agent submits its commits"));
    }
    Ok(())
}

/// Whether this is the name of an agent that is or was slung.
fn is_slung(name: &str, rules: &Rules<'_>) -> bool {
    let slung = |holder: &Holder| holder.session.is_some() && holder.agent == name;
    rules.held.iter().chain(rules.former).any(slung)
}

fn person(commit: &Commit, rules: &Rules<'_>) -> Result<Author, Refusal> {
    if is_slung(&commit.author, rules) {
        return Err(missing("Agent", &commit.author));
    }
    known(commit, rules, &commit.author)
}

fn known(commit: &Commit, rules: &Rules<'_>, name: &str) -> Result<Author, Refusal> {
    Author::known(name, &commit.email, rules.overseers, rules.submitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEAD: &str = "api-7f3k2m9qx4tbn0hd";

    fn holder() -> Holder {
        let session = Some("s1".to_owned());
        Holder { bead: BEAD.into(), agent: "toast".into(), session, owner: None }
    }

    fn commit(author: &str, message: &str) -> Commit {
        Commit {
            name: "abc1234".into(),
            author: author.into(),
            email: "jane@example.org".into(),
            message: message.into(),
        }
    }

    fn said(result: Result<Author, Refusal>) -> String {
        match result {
            Ok(author) => author.name,
            Err(refusal) => refusal.what.trim_start_matches("commit abc1234: ").to_owned(),
        }
    }

    #[test]
    fn a_slung_submission_carries_the_trailers_of_its_holder() {
        let good =
            format!("Fix\n\nBead: {BEAD}\nAgent: toast\nAgent-Session: s1\nAssisted-by: sh:none\n");
        let other = good.replace("toast", "bread");
        let cases = [
            (good.clone(), "toast"),
            ("Fix\n".into(), "the trailer `Agent: toast` is missing"),
            ("Agent: toast\n".into(), "the trailer `Agent: toast` is missing"),
            (format!("Fix\n\nBead: {BEAD}\n"), "the trailer `Agent: toast` is missing"),
            ("Fix\n\nAgent: toast\n".into(), "the trailer `Bead: api-7f3k2m9qx4tbn0hd` is missing"),
            (other, "`Agent: bread` is forged or stale, it must be `Agent: toast`"),
            (
                good.replace("s1", "s0"),
                "`Agent-Session: s0` is forged or stale, it must be `Agent-Session: s1`",
            ),
            (
                good.replace(BEAD, "api-zzzz"),
                "`Bead: api-zzzz` is forged or stale, it must be `Bead: api-7f3k2m9qx4tbn0hd`",
            ),
            (format!("{good}Agent: toast\n"), "the trailer `Agent` stands twice"),
            (format!("{good}agent: bread\n"), "`agent: bread` is not a trailer as we write it"),
            (format!("{good}AGENT: toast\n"), "`AGENT: toast` is not a trailer as we write it"),
            (format!("{good}Agent : bread\n"), "`Agent : bread` is not a trailer as we write it"),
            (format!("{good} Agent: bread\n"), "`Agent: bread` is not a trailer as we write it"),
            (
                good.replace("Agent: toast\n", "Agent: toast\n and bread\n"),
                "`Agent: toast` is not a trailer as we write it",
            ),
            (good.replace("Agent: toast", "Agent:"), "`Agent:` is not a trailer as we write it"),
            (
                format!("{good}Signed-off-by: toast <jane@example.org>\n"),
                "`Signed-off-by` is a person's word, an agent cannot give it",
            ),
            (format!("{good}Signed-off-by: Jane <jane@example.org>\n"), "toast"),
            (good.replace("Agent-Session: s1\n", ""), "the trailer `Agent-Session: s1` is missing"),
            (
                format!("Fix\n\nAgent: bread\n\nBead: {BEAD}\nAgent: toast\n"),
                "`Agent: bread` does not stand among the trailers at the end",
            ),
        ];
        let holder = holder();
        let rules = Rules {
            holder: Some(&holder),
            agent: Some("toast"),
            held: std::slice::from_ref(&holder),
            submitter: "jane@example.org",
            ..Rules::default()
        };
        for (message, expected) in cases {
            assert_eq!(said(judge(&[commit("toast", &message)], &rules)), expected, "{message}");
        }
    }

    #[test]
    fn a_person_has_no_marks_and_a_list_is_a_list() {
        let held = [holder()];
        let jane = ["Jane@Example.org".to_owned()];
        let joe = ["joe@example.org".to_owned()];
        let marked = format!("Fix\n\nBead: {BEAD}\nAgent: toast\nAgent-Session: s1\n");
        let forged = marked.replace("Agent-Session: s1\n", "");
        let cases: [(&str, &str, &[String], &str, &str); 11] = [
            ("Jane", "Fix\n", &[], "jane@example.org", "Jane"),
            ("Jane", "Fix\n", &jane, "jane@example.org", "Jane"),
            (
                "Jane",
                "Fix\n",
                &joe,
                "jane@example.org",
                "jane@example.org is no overseer of this repository",
            ),
            ("Jane", "Fix\n", &joe, "joe@example.org", "Jane"),
            ("toast", "Fix\n", &[], "jane@example.org", "the trailer `Agent: toast` is missing"),
            ("Jane", &marked, &[], "jane@example.org", "toast"),
            (
                "Jane",
                &forged,
                &[],
                "jane@example.org",
                "the trailer `Agent-Session: s1` is missing",
            ),
            ("Jane", "Fix\n\nAgent: helper\n", &[], "jane@example.org", "helper"),
            (
                "Mallory",
                "Fix\n\nAgent: helper\n",
                &[],
                "mallory@evil.example",
                "its author is jane@example.org, but mallory@evil.example answers for helper",
            ),
            (
                "Jane",
                "Fix\n\nAgent: toast\n",
                &[],
                "jane@example.org",
                "toast is slung to beads, and the commit does not say which",
            ),
            (
                "toast",
                "Fix\n\nAgent: toast\n",
                &[],
                "jane@example.org",
                "toast is slung to beads, and the commit does not say which",
            ),
        ];
        for (author, message, overseers, submitter, expected) in cases {
            let rules = Rules { held: &held, overseers, submitter, ..Rules::default() };
            assert_eq!(
                said(judge(&[commit(author, message)], &rules)),
                expected,
                "{author}: {message}"
            );
        }
        let rules = Rules { overseers: &joe, submitter: "joe@example.org", ..Rules::default() };
        let author = judge(&[commit("Jane", "Fix\n")], &rules).unwrap();
        assert_eq!(author.vouched.as_deref(), Some("joe@example.org"));
    }

    #[test]
    fn a_bead_slung_again_carries_the_commits_of_its_earlier_sessions() {
        let owner = Some("jane@example.org".to_owned());
        let former = |bead: &str, agent: &str, session: &str| Holder {
            bead: bead.into(),
            agent: agent.into(),
            session: Some(session.into()),
            owner: owner.clone(),
        };
        let holder = former(BEAD, "bread", "s2");
        let ever = [former(BEAD, "toast", "s1"), former("api-other", "roll", "s0")];
        let rules = Rules {
            holder: Some(&holder),
            agent: Some("bread"),
            session: Some("s2"),
            former: &ever,
            ..Rules::default()
        };
        let by = |agent: &str, session: &str| {
            format!("Fix\n\nBead: {BEAD}\nAgent: {agent}\nAgent-Session: {session}\n")
        };
        let cases = [
            ("bread", "s2", "bread"),
            ("toast", "s1", "toast"),
            ("toast", "s2", "`Agent: toast` is forged or stale, it must be `Agent: bread`"),
            (
                "bread",
                "s1",
                "`Agent-Session: s1` is forged or stale, it must be `Agent-Session: s2`",
            ),
            ("roll", "s0", "`Agent: roll` is forged or stale, it must be `Agent: bread`"),
        ];
        for (agent, session, expected) in cases {
            let judged = judge(&[commit(agent, &by(agent, session))], &rules);
            assert_eq!(said(judged), expected, "{agent} {session}");
        }
        let mut stranger = commit("bread", &by("bread", "s2"));
        stranger.email = "eve@example.org".into();
        let expected = "its author is eve@example.org, but jane@example.org answers for bread";
        assert_eq!(said(judge(&[stranger], &rules)), expected);
        let renamed = commit("Linus", &by("bread", "s2"));
        let expected = "its author is Linus, but its trailers say bread";
        assert_eq!(said(judge(&[renamed], &rules)), expected);
        assert_eq!(said(judge(&[commit("bread (aider)", &by("bread", "s2"))], &rules)), "bread");
    }

    #[test]
    fn an_earlier_sessions_commits_land_when_the_present_one_submits_them() {
        let owner = Some("jane@example.org".to_owned());
        let run = |agent: &str, session: &str| Holder {
            bead: BEAD.into(),
            agent: agent.into(),
            session: Some(session.into()),
            owner: owner.clone(),
        };
        let (old, new) = (run("toast", "s1"), run("bread", "s2"));
        let by = |one: &Holder| {
            let session = one.session.as_deref().unwrap();
            let message =
                format!("Fix\n\nBead: {BEAD}\nAgent: {}\nAgent-Session: {session}\n", one.agent);
            commit(&one.agent, &message)
        };
        let ever = [old.clone(), new.clone()];
        let held = [new.clone()];
        let rules = |session| Rules {
            holder: Some(&new),
            agent: Some("bread"),
            session,
            held: &held,
            former: &ever,
            ..Rules::default()
        };
        let stale = "`Agent-Session: s1` is forged or stale, it must be `Agent-Session: s2`";
        assert_eq!(said(judge(&[by(&old), by(&new)], &rules(None))), "bread");
        assert_eq!(said(judge(&[by(&old)], &rules(Some("s2")))), "toast");
        assert_eq!(said(judge(&[by(&old)], &rules(Some("s1")))), stale);
        assert_eq!(said(judge(&[by(&old)], &rules(None))), stale);
        let brought = Rules { held: &held, former: &ever, ..Rules::default() };
        let no = "`Agent: toast` is forged or stale, it must be `Agent: bread`";
        assert_eq!(said(judge(&[by(&old)], &brought)), no, "a person brings it");
    }

    #[test]
    fn the_name_of_an_agent_stays_its_own_when_its_claim_is_gone() {
        let ever = [holder()];
        let programs = ["codex"];
        let rules = Rules {
            former: &ever,
            programs: &programs,
            submitter: "jane@example.org",
            ..Rules::default()
        };
        let slung = [Holder { agent: "codex".into(), ..holder() }];
        let codex = Rules { former: &slung, ..rules.clone() };
        let cases = [
            (&rules, "toast", "Fix\n", "the trailer `Agent: toast` is missing"),
            (&rules, "Jane", "Fix\n", "Jane"),
            (&codex, "codex", "Fix\n", "the trailer `Agent: codex` is missing"),
            (&codex, "Jane", "Fix\n\nAgent: codex\n", "codex"),
            (
                &codex,
                "codex",
                "Fix\n\nAgent: codex\n",
                "codex is slung to beads, and the commit does not say which",
            ),
        ];
        for (rules, author, message, expected) in cases {
            assert_eq!(said(judge(&[commit(author, message)], rules)), expected, "{message}");
        }
    }

    #[test]
    fn each_commit_is_judged() {
        let holder = holder();
        let good = format!("Fix\n\nBead: {BEAD}\nAgent: toast\nAgent-Session: s1\n");
        let rules = Rules { holder: Some(&holder), agent: Some("toast"), ..Rules::default() };
        let hidden = [commit("toast", &good), commit("toast", "Sneak\n"), commit("toast", &good)];
        assert_eq!(said(judge(&hidden, &rules)), "the trailer `Agent: toast` is missing");
    }
}
