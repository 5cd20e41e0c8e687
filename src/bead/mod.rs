//! What is to be done? The work graph as a fold of ledger lines.
