//! Who does it? Identity, hook, sessions, rescue.
