//! May it land? The merge queue, its gates, and the landing.
