//! Which form a ledger has, and which forms this program knows.
//!
//! A ledger says its form in one file of its tree: `{"format":1,"minor":0}`. A later minor form has more
//! in it, and nothing that is there means anything else: it is read, written, and what is unknown is
//! carried along. A later form is read as far as that goes and never written: what we do not know of
//! it we would break.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::refusal::Refusal;

pub(super) const FILE: &str = "v.json";

/// The newest form that this program writes.
const KNOWN: u64 = 1;

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Format {
    format: u64,
    #[serde(default)]
    minor: u64,
    /// The program that a later form asks for, where it says so.
    #[serde(default)]
    needs: Option<String>,
}

impl Format {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).context(FILE)
    }

    /// The file of a ledger that begins now.
    pub(super) fn file() -> String {
        format!("{{\"format\":{KNOWN}}}\n")
    }

    pub(super) fn is_newer(&self) -> bool {
        self.format > KNOWN
    }

    /// The number of the form, as people are told it.
    pub(super) fn number(&self) -> String {
        match self.minor {
            0 => self.format.to_string(),
            minor => format!("{}.{minor}", self.format),
        }
    }

    /// Says of a ledger (`the ledger`, `the ledger of origin`) that it is newer than we are.
    pub(super) fn told(&self, whose: &str) -> String {
        let number = self.number();
        format!("{whose} has format {number}, and this shopfloor writes formats up to {KNOWN}")
    }

    /// What to install.
    pub(super) fn remedy(&self) -> String {
        match &self.needs {
            Some(needs) => format!("install {needs}"),
            None => format!("install a shopfloor that knows format {}", self.format),
        }
    }

    /// No to writing what is newer than we are.
    pub(super) fn check(&self, whose: &str) -> Result<()> {
        match self.is_newer() {
            true => Err(Refusal::fatal(self.told(whose))
                .hint(self.remedy())
                .hint("nothing was written; what is there can still be read")
                .into()),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_minor_forms_are_written_and_later_forms_are_not() {
        for (file, writes, number) in [
            (Format::file().as_str(), true, "1"),
            (r#"{"format":1,"minor":9,"later":{"x":1}}"#, true, "1.9"),
            (r#"{"format":2}"#, false, "2"),
            (r#"{"format":2,"minor":1,"needs":"shopfloor 2.1"}"#, false, "2.1"),
        ] {
            let format = Format::parse(file.as_bytes()).unwrap();
            assert_eq!((format.check("it").is_ok(), format.number().as_str()), (writes, number));
        }
        for broken in ["", "{}", "[]", r#"{"format":"two"}"#, r#"{"format":-1}"#] {
            assert!(Format::parse(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn what_is_needed_is_told() {
        let told = |file: &str| Format::parse(file.as_bytes()).unwrap().remedy();
        assert!(told(r#"{"format":2,"needs":"shopfloor 2.1"}"#).ends_with("install shopfloor 2.1"));
        assert!(told(r#"{"format":3}"#).ends_with("knows format 3"));
    }
}
