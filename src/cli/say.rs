//! The one place where a result is written.

use std::io::Write as _;

use anyhow::Result;

use crate::cli::context::Context;
use crate::cli::show::{Done, Screen};

pub(super) fn say(cx: &Context, done: &Done) -> Result<()> {
    let Some(view) = &done.view else { return Ok(()) };
    let text = if cx.json {
        let mut json = view.json()?;
        if !done.whole {
            spell(cx, &mut json)?;
        }
        // Blanks and breaks are for eyes.
        let text =
            if cx.is_terse() { json.to_string() } else { serde_json::to_string_pretty(&json)? };
        text + "\n"
    } else {
        let mut screen = Screen::new(cx.colour()).terse(cx.is_terse());
        view.text(&mut screen);
        screen.finish()
    };
    put(&text).map(drop)
}

/// Puts all texts in their places.
pub(super) fn spell(cx: &Context, json: &mut serde_json::Value) -> Result<()> {
    if cx.repo().is_ok() {
        cx.ledger()?.spell(json)?;
    }
    Ok(())
}

/// Says whether somebody reads it: a closed pipe is the reader's choice, not our failure.
pub(super) fn put(text: &str) -> Result<bool> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Ok(true),
        Err(no) if no.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(no) => Err(no.into()),
    }
}
