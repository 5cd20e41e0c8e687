//! What happened, in order: append-only lines under one ref; knows bytes, not words.
