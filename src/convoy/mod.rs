//! Is the batch through? Batches of beads, their state computed from the members.
