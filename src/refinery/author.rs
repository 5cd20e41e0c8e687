//! Whose word counts? An author's whom the policy knows, or an overseer's who submits for them. Pure.

use crate::refusal::Refusal;

/// The author of record of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Author {
    pub name: String,
    pub email: String,
    /// The listed overseer who answers for an unlisted person.
    pub vouched: Option<String>,
}

impl Author {
    /// One whom the policy does not know needs an overseer who submits for them. Without a list of
    /// overseers everybody is known.
    pub(super) fn known(
        name: &str,
        email: &str,
        overseers: &[String],
        submitter: &str,
    ) -> Result<Self, Refusal> {
        let known = |email: &str| {
            let listed = |one: &String| one.eq_ignore_ascii_case(email);
            overseers.is_empty() || overseers.iter().any(listed)
        };
        let author = Self { name: name.to_owned(), email: email.to_owned(), vouched: None };
        if known(email) {
            Ok(author)
        } else if known(submitter) {
            Ok(Self { vouched: Some(submitter.to_owned()), ..author })
        } else {
            Err(Refusal::refused(format!("{email} is no overseer of this repository"))
                .hint("an overseer listed in shopfloor.toml can submit it"))
        }
    }
}
