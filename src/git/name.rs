//! Names of objects and refs, checked when they are made and never again.

use std::fmt;
use std::str::FromStr;

use anyhow::Context as _;
use gix::bstr::ByteSlice as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of an object: 40 or 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(gix::ObjectId);

impl Oid {
    /// The name that no object has, as git writes it for "nothing".
    pub fn null(sha256: bool) -> Self {
        Self(if sha256 { gix::hash::Kind::Sha256 } else { gix::hash::Kind::Sha1 }.null())
    }

    pub fn is_null(&self) -> bool {
        self.0.is_null()
    }

    /// The first ten digits, for people.
    pub fn short(&self) -> String {
        self.0.to_hex_with_len(10).to_string()
    }

    pub(super) fn id(&self) -> gix::ObjectId {
        self.0
    }
}

impl From<gix::ObjectId> for Oid {
    fn from(id: gix::ObjectId) -> Self {
        Self(id)
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl FromStr for Oid {
    type Err = anyhow::Error;

    fn from_str(hex: &str) -> anyhow::Result<Self> {
        let id = gix::ObjectId::from_hex(hex.as_bytes());
        Ok(Self(id.with_context(|| format!("{hex:?} is not the name of an object"))?))
    }
}

/// The full name of a ref: `refs/heads/main`, never `main`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(String);

impl RefName {
    pub fn branch(name: &str) -> anyhow::Result<Self> {
        format!("refs/heads/{name}").parse()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of a branch or tag as people say it; the full name of everything else.
    pub fn short(&self) -> &str {
        let known = ["refs/heads/", "refs/tags/", "refs/remotes/"];
        known.iter().find_map(|start| self.0.strip_prefix(start)).unwrap_or(&self.0)
    }

    /// The name of the branch, if it is one.
    pub fn as_branch(&self) -> Option<&str> {
        self.0.strip_prefix("refs/heads/")
    }
}

impl FromStr for RefName {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        let known = gix::validate::reference::name(name.as_bytes().as_bstr()).is_ok();
        // A branch that starts with a dash would be an option to half of git's commands.
        let safe = name
            .strip_prefix("refs/")
            .is_some_and(|rest| !rest.split('/').any(|part| part.starts_with('-')));
        anyhow::ensure!(known && safe, "{name:?} is not the full name of a ref");
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for RefName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl AsRef<str> for RefName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for Oid {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for RefName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Oid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for RefName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_are_full_and_safe() {
        for good in ["refs/heads/main", "refs/heads/toast/api-7f3k", "refs/shopfloor/queue/main/42"]
        {
            assert_eq!(good.parse::<RefName>().unwrap().as_str(), good);
        }
        for bad in [
            "main",
            "HEAD",
            "",
            "refs/heads/",
            "refs/heads/a..b",
            "refs/heads/-f",
            "refs/heads/a b",
            "refs/heads/x.lock",
            "refs/heads/a\nb",
            "/refs/heads/a",
        ] {
            assert!(bad.parse::<RefName>().is_err(), "{bad:?}");
        }
        assert_eq!(RefName::branch("a/b").unwrap().short(), "a/b");
        assert_eq!(
            "refs/shopfloor/ledger".parse::<RefName>().unwrap().short(),
            "refs/shopfloor/ledger"
        );
    }

    #[test]
    fn object_names_are_whole() {
        let (one, long) = ("1f".repeat(20), "1f".repeat(32));
        assert_eq!(one.parse::<Oid>().unwrap().to_string(), one);
        assert_eq!(long.parse::<Oid>().unwrap().short(), "1f1f1f1f1f");
        for bad in ["", "1f1f", "HEAD", &"zz".repeat(20)] {
            assert!(bad.parse::<Oid>().is_err(), "{bad:?}");
        }
        assert!(Oid::null(true).is_null() && Oid::null(false).is_null());
    }
}
