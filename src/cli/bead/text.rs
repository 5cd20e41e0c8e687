//! A text from a file or from standard input, in which there may be more than anybody keeps.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::cli::context::Context;
use crate::cli::misspoken::NOT_UTF8;
use crate::ledger::{LONGEST_TEXT, OVERSIZED};
use crate::refusal::Refusal;

/// The text of a file, or of standard input for `-`, that is to become `what`.
pub(in crate::cli) fn text(cx: &Context, file: &Path, what: &str) -> Result<String> {
    text_up_to(cx, file, what, LONGEST_TEXT)
}

/// The same for so many bytes at most.
pub(super) fn text_up_to(cx: &Context, file: &Path, what: &str, most: usize) -> Result<String> {
    let (source, name): (Box<dyn Read>, _) = match file.as_os_str() == "-" {
        true => (Box::new(std::io::stdin()), "standard input".to_owned()),
        false => {
            let path = cx.path(file);
            let opened = File::open(&path).map_err(|no| {
                Refusal::fatal(format!("{what} cannot be read from {}: {no}", path.display()))
                    .hint("name a file that can be read, or `-` for standard input")
            })?;
            (Box::new(opened), path.display().to_string())
        }
    };
    // What cannot be written is not read to its end either: it may have none.
    let mut bytes = Vec::new();
    let read = source.take(most as u64 + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("reading {name}"))?;
    if bytes.len() > most {
        let no = format!("{what} in {name} has more than {most} bytes, the most a text has");
        return Err(Refusal::usage(no).hint(OVERSIZED).into());
    }
    String::from_utf8(bytes).map_err(|no| {
        let at = no.utf8_error().valid_up_to();
        Refusal::usage(format!("{what} in {name} is not UTF-8: byte {at} begins no character"))
            .hint(NOT_UTF8)
            .into()
    })
}
