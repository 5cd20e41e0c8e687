//! Git calls us: the entry points of the git hooks, their installation, and the push route.
