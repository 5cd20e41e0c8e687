//! The one integration binary: every story and check is a module here.
