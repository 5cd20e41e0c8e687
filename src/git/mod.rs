//! Objects, refs, trees, transport: the only room that names gix and the only caller of `git`.
