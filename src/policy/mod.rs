//! What does this repository demand? `shopfloor.toml` of the target branch, and trust in its commands.
