//! What happened, in order: append-only lines under one ref; knows bytes, not words.

mod fold;
mod heads;
mod line;
mod pen;

pub use fold::Fold;
pub use line::Line;
pub use pen::Pen;

pub type Json = serde_json::Value;

/// Who acts, as every line tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    pub by: String,
    pub owner: String,
    pub session: Option<String>,
    pub model: Option<String>,
    pub agent: bool,
    pub epoch: Option<u64>,
}
