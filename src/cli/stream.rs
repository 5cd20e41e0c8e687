//! A list that may be longer than anybody wants to hold: told in parts, each as it comes. As text every
//! part has columns of its own; as JSON it is one array, and one that ends before its `]` is not whole.

use anyhow::Result;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::say;
use crate::cli::show::Screen;

/// How many rows stand in columns together.
const TOGETHER: usize = 1000;

pub(super) struct Stream<'c, T> {
    cx: &'c Context,
    show: fn(&mut Screen, &[T]),
    held: Vec<T>,
    told: usize,
    /// Nobody reads any more.
    deaf: bool,
}

impl<'c, T: Serialize> Stream<'c, T> {
    pub(super) fn new(cx: &'c Context, show: fn(&mut Screen, &[T])) -> Self {
        Self { cx, show, held: Vec::new(), told: 0, deaf: false }
    }

    pub(super) fn add(&mut self, row: T) -> Result<()> {
        self.held.push(row);
        if self.held.len() < TOGETHER { Ok(()) } else { self.flush() }
    }

    /// Says how many there were.
    pub(super) fn end(mut self) -> Result<usize> {
        self.flush()?;
        if self.cx.json {
            self.put(if self.told == 0 { "[]\n" } else { "\n]\n" })?;
        }
        Ok(self.told)
    }

    fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.held);
        if self.cx.json {
            // Between its brackets a part looks as the whole does.
            let text = say::pretty(self.cx, serde_json::to_value(&rows)?)?;
            let inner = text.trim_start_matches('[').trim_end_matches(']').trim_end();
            let start = if self.told == 0 { "[" } else { "," };
            self.told += rows.len();
            return if rows.is_empty() { Ok(()) } else { self.put(&format!("{start}{inner}")) };
        }
        self.told += rows.len();
        let mut screen = Screen::new(self.cx.colour());
        (self.show)(&mut screen, &rows);
        self.put(&screen.finish())
    }

    fn put(&mut self, text: &str) -> Result<()> {
        self.deaf = self.deaf || !say::put(text)?;
        Ok(())
    }
}
