//! Shopfloor: four git subcommands over one append-only ledger in the user's own repository.
//!
//! The rooms, from the top. A room may use the rooms below it, never one beside or above it
//! (`tests/tidy.rs` holds that line):
//!
//! | room | question |
//! |---|---|
//! | `cli` | words to people and back; the only room that prints, reads the environment, or decides the exit code |
//! | `githook` | git calls us |
//! | `refinery` | may it land? |
//! | `convoy` | is the batch through? |
//! | `agent` | who does it? |
//! | `bead` | what is to be done? |
//! | `policy` | what does this repository demand? |
//! | `ledger` | what happened, in order? |
//! | `git` | objects, refs, trees, transport |
//! | `host` | processes, clock, environment |
//! | `refusal` | no, and here is what to do next |

pub mod agent;
pub mod bead;
pub mod cli;
pub mod convoy;
pub mod git;
pub mod githook;
pub mod host;
pub mod ledger;
pub mod policy;
pub mod refinery;
pub mod refusal;
