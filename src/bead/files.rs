//! Which files are a bead's own? Patterns of paths, kept among the fields that no other tool has a word for,
//! so that an export gives them out and an import brings them back. Pure.

use anyhow::Result;

use crate::bead::fields::Bead;
use crate::bead::raw::Raw;
use crate::ledger::Json;
use crate::policy::Glob;
use crate::refusal::Refusal;

pub const NAME: &str = "files";
const MOST: usize = 64;

impl Bead {
    /// The patterns of its files. Another tool may mean something else by the word.
    pub fn files(&self) -> Vec<String> {
        said(&self.rest.get(NAME).map(Raw::json).unwrap_or_default())
    }

    pub fn globs(&self) -> Vec<Glob> {
        globs(&self.files())
    }
}

/// Those that are patterns.
pub(super) fn globs(files: &[String]) -> Vec<Glob> {
    files.iter().filter_map(|file| Glob::new(file).ok()).collect()
}

/// What is set by this name; what is none of ours names no files.
pub fn said(field: &Json) -> Vec<String> {
    let texts = field.as_array().into_iter().flatten().filter_map(Json::as_str);
    texts.map(str::to_owned).collect()
}

/// The field that says these patterns, each once. A single empty one stands for none.
pub fn field(said: &[String]) -> Result<(String, Json)> {
    let mut files = Vec::<Json>::new();
    for text in said.iter().filter(|text| said.len() > 1 || !text.trim().is_empty()) {
        let glob = Glob::new(text)?.as_str().into();
        if !files.contains(&glob) {
            files.push(glob);
        }
    }
    if files.len() > MOST {
        let no =
            format!("a bead owns at most {MOST} patterns of paths, and these are {}", files.len());
        return Err(Refusal::usage(no).hint("a directory owns all below it: 'src/auth/**'").into());
    }
    let files = if files.is_empty() { Json::Null } else { files.into() };
    Ok((NAME.to_owned(), files))
}
