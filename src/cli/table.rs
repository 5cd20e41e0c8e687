//! Columns that line up: no frame, the last column takes what room is left.

use crate::cli::show::{Screen, Tone};

/// Writes rows of equal length; columns but the last are as wide as their widest cell.
pub(super) fn rows(out: &mut Screen, rows: &[Vec<(Tone, String)>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |n: usize| {
        rows.iter().filter_map(|row| row.get(n)).map(|(_, text)| text.chars().count()).max()
    };
    let widths: Vec<_> = (0..columns).map(|n| width(n).unwrap_or(0)).collect();
    for row in rows {
        let last = row.len().saturating_sub(1);
        let padded: Vec<_> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(n, ((tone, text), width))| match n == last {
                true => (*tone, text.clone()),
                false => (*tone, format!("{text:width$}  ")),
            })
            .collect();
        let parts: Vec<_> = padded.iter().map(|(tone, text)| (*tone, text.as_str())).collect();
        out.parts(&parts);
    }
}
