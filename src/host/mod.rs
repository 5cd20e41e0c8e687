//! The machine apart from git: processes, clock, environment.
