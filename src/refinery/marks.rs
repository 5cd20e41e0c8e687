//! What a commit message says about an agent. Reads more than git's trailer rules would, so that
//! nothing that looks like a mark to a person or to another tool goes unseen, and accepts less: one
//! spelling, one line, once, in the last paragraph. Pure.

use crate::refusal::Refusal;

/// The marks of one commit.
#[derive(Debug)]
pub(super) struct Marks<'m> {
    pub agent: Option<&'m str>,
    pub bead: Option<&'m str>,
    pub session: Option<&'m str>,
    signers: Vec<&'m str>,
}

impl<'m> Marks<'m> {
    pub(super) fn of(message: &'m str) -> Result<Self, Refusal> {
        let mut marks = Self { agent: None, bead: None, session: None, signers: Vec::new() };
        let (body, block) = parts(message);
        if let Some(line) = body.lines().find(|line| is_mark(line)) {
            return Err(Refusal::refused(format!(
                "`{}` does not stand among the trailers at the end",
                line.trim()
            ))
            .hint("leave it out, or indent it if it is only told about"));
        }
        let lines: Vec<_> = block.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            let slot = match key.trim().to_ascii_lowercase().as_str() {
                "agent" => &mut marks.agent,
                "bead" => &mut marks.bead,
                "agent-session" => &mut marks.session,
                "signed-off-by" => {
                    marks.signers.push(value);
                    continue;
                }
                _ => continue,
            };
            let spelled = ["Agent", "Bead", "Agent-Session"].contains(&key);
            let folded = lines.get(at + 1).is_some_and(|next| next.starts_with([' ', '\t']));
            if !spelled || folded || value.is_empty() {
                return Err(Refusal::refused(format!(
                    "`{}` is not a trailer as we write it",
                    line.trim()
                ))
                .hint("one line, no blank before the key or the colon, and one value"));
            }
            if slot.replace(value).is_some() {
                return Err(Refusal::refused(format!("the trailer `{key}` stands twice"))
                    .hint("git commit --amend, and keep the one that is true"));
            }
        }
        if marks.agent.is_none() && marks.session.is_some() {
            return Err(Refusal::refused("`Agent-Session` without `Agent`")
                .hint("git commit --amend, with both or neither"));
        }
        Ok(marks)
    }

    pub(super) fn signed_off_as(&self, agent: &str) -> bool {
        let name = |signer: &&str| signer.split('<').next().unwrap_or_default().trim() == agent;
        self.signers.iter().any(name)
    }
}

/// A line that git takes for one of our trailers wherever a block of them may stand.
fn is_mark(line: &str) -> bool {
    let key = line.split_once(':').map_or("", |(key, _)| key).trim_end();
    ["Agent", "Bead", "Agent-Session"].iter().any(|ours| key.eq_ignore_ascii_case(ours))
}

/// What stands between the title and the last paragraph, and the last paragraph. The title has no
/// trailers, for git and for us; comments count as text, since a commit keeps them.
fn parts(message: &str) -> (&str, &str) {
    let message = message.trim_end_matches(BLANK);
    let (mut title, mut start, mut at) = (None, 0, 0);
    for line in message.split_inclusive('\n') {
        at += line.len();
        if line.trim_matches(BLANK).is_empty() {
            title.get_or_insert(at);
            start = at;
        }
    }
    let body = title.and_then(|title| message.get(title..start)).unwrap_or_default();
    // A message of one paragraph is a title, not trailers.
    (body, title.and_then(|_| message.get(start..)).unwrap_or_default())
}

/// What makes a line blank for git; other white space is text.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_wherever_another_tool_would_find_them() {
        let good = Ok((Some("toast"), Some("b-1")));
        let stray = Err("`Bead: b-1` does not stand among the trailers at the end");
        type Said = Result<(Option<&'static str>, Option<&'static str>), &'static str>;
        let cases: [(&str, Said); 14] = [
            ("Fix\n", Ok((None, None))),
            ("Agent: of change\n\nText\n", Ok((None, None))),
            ("Bead: b-1\nAgent: toast\n", Ok((None, None))),
            ("Fix\n\nBead: b-1\nAgent: toast\n", good),
            ("Fix\n\nBead: b-1\nAgent: toast\n \t\r\n\n", good),
            ("\nBead: b-1\nAgent: toast\n", good),
            ("Fix\n\n    Bead: b-2\n\nBead: b-1\nAgent: toast\n", good),
            ("Fix\n\nBead: b-1\nAgent: toast\n\n# x\n", stray),
            ("Fix\n\nBead: b-1\nAgent: toast\n\nConflicts:\n\tfoo\n", stray),
            ("Fix\n\nBead: b-1\nAgent: toast\n\nBead: b-1\nAgent: toast\n", stray),
            ("Fix\n\nBead: b-1\nAgent: toast\n\u{3000}\nSigned-off-by: M <m@x>\n", good),
            ("Fix\n\nBead: b-1\nAgent: toast\n\u{c}\nSigned-off-by: M <m@x>\n", good),
            (
                "Fix\n\nagent : toast\n\n# x\n",
                Err("`agent : toast` does not stand among the trailers at the end"),
            ),
            ("Fix\n\nAgent-Session: s\n", Err("`Agent-Session` without `Agent`")),
        ];
        for (message, expected) in cases {
            let found = Marks::of(message).map(|marks| (marks.agent, marks.bead));
            let found = found.as_ref().map_err(|refusal| refusal.what.as_str());
            assert_eq!(found.copied(), expected, "{message:?}");
        }
    }
}
