//! A list that may be longer than anybody wants to hold: told in parts, each as it comes. As text every
//! part has columns of its own; as JSON it is one array, and one that ends before its `]` is not whole.

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::say;
use crate::cli::show::{Screen, Tone};
use crate::cli::table;

/// How many rows stand in columns together.
const TOGETHER: usize = 1000;

pub(super) struct Stream<'c, T> {
    cx: &'c Context,
    show: fn(&mut Screen, &[T]),
    held: Vec<T>,
    told: usize,
    /// The fields that are told of each, unless all are.
    only: Vec<String>,
    /// Nobody reads any more.
    deaf: bool,
}

impl<'c, T: Serialize> Stream<'c, T> {
    pub(super) fn new(cx: &'c Context, show: fn(&mut Screen, &[T])) -> Self {
        Self { cx, show, held: Vec::new(), told: 0, only: Vec::new(), deaf: false }
    }

    /// Tells these fields of each and no others; all, where there are none of them.
    pub(super) fn only(self, names: &[&str]) -> Self {
        Self { only: names.iter().map(|name| (*name).to_owned()).collect(), ..self }
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
            let mut rows = self.records(&rows)?;
            say::spell(self.cx, &mut rows)?;
            let mut text = String::new();
            for row in rows.as_array().into_iter().flatten() {
                // Each on a line of its own: half of what it would be where each field had one.
                text.push_str(if self.told == 0 { "[\n" } else { ",\n" });
                text.push_str(&serde_json::to_string(row)?);
                self.told += 1;
            }
            return self.put(&text);
        }
        self.told += rows.len();
        let mut screen = Screen::new(self.cx.colour()).terse(self.cx.is_terse());
        match self.only.is_empty() {
            true => (self.show)(&mut screen, &rows),
            false => columns(&mut screen, &self.records(&rows)?, &self.only),
        }
        self.put(&screen.finish())
    }

    fn records(&self, rows: &[T]) -> Result<Value> {
        let mut all = serde_json::to_value(rows)?;
        if !self.only.is_empty() {
            for record in all.as_array_mut().into_iter().flatten() {
                leave(record, &self.only);
            }
        }
        Ok(all)
    }

    fn put(&mut self, text: &str) -> Result<()> {
        self.deaf = self.deaf || !say::put(text)?;
        Ok(())
    }
}

/// Leaves these fields of a record, in this order.
pub(super) fn leave(record: &mut Value, names: &[String]) {
    let left = |name: &String| Some((name.clone(), record.get(name)?.clone()));
    *record = Value::Object(names.iter().filter_map(left).collect());
}

/// These fields of each as columns.
pub(super) fn columns(out: &mut Screen, records: &Value, names: &[String]) {
    let cell = |record: &Value, name: &String| match record.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let row = |record| names.iter().map(|name| (Tone::Plain, cell(record, name))).collect();
    let rows: Vec<Vec<_>> = records.as_array().into_iter().flatten().map(row).collect();
    table::rows(out, &rows);
}
