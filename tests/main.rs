//! The one integration binary: every story and check is a module here.
//!
//! Everything runs the real binaries beside the real git, in a sealed world of its own
//! (`support::Sandbox`): no mocks, and no sleeping in the hope that something has happened.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod brief;
mod bulk;
mod support;

mod acting;
mod alone;
mod attribution;
mod beside;
mod checkout;
mod checkpoints;
mod circles;
mod claims;
mod clones;
mod compact;
mod compat;
mod convoy;
mod crash;
mod damage;
mod demo;
mod doctor;
mod edit;
mod exchange;
mod faults;
mod fields;
mod files;
mod find;
mod foreign;
mod githook;
mod graph;
mod guard;
mod guarded;
mod history;
mod import;
mod inner;
mod input;
mod intake;
mod kept;
mod leases;
mod ledger;
mod limits;
mod lint;
mod maintain;
mod managers;
mod namesakes;
mod parked;
mod power;
mod prime;
mod publish;
mod race;
mod readme;
mod recovery;
mod refinery;
mod refinery_hostile;
mod remotes;
mod renames;
mod rescue;
mod rings;
mod route;
mod settings;
mod shared;
mod signers;
mod sling;
mod spellings;
mod steps;
mod stop;
mod sync;
mod tamper;
mod target;
mod tidy;
mod tracker;
mod trail;
mod undo;
mod wait;
mod world;
