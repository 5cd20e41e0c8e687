//! Beads and what is between them as text that other programs draw. An arrow leads from what is first
//! to what waits for it.

use crate::cli::show::Screen;

/// One bead of a diagram.
pub(super) struct Spot<'a> {
    pub short: &'a str,
    pub title: &'a str,
    pub status: &'a str,
}

/// From one spot to another.
pub(super) struct Arrow<'a> {
    pub before: usize,
    pub after: usize,
    pub kind: &'a str,
}

/// A diagram as Mermaid reads it.
pub(super) fn mermaid(out: &mut Screen, spots: &[Spot<'_>], arrows: &[Arrow<'_>]) {
    out.line("flowchart LR");
    for (n, spot) in spots.iter().enumerate() {
        let (id, title, status) = (coded(spot.short), coded(spot.title), coded(spot.status));
        out.line(format!("  n{n}[\"{id}: {title}<br/>{status}\"]"));
    }
    for Arrow { before, after, kind } in arrows {
        out.line(match *kind {
            "blocks" => format!("  n{before} --> n{after}"),
            kind => format!("  n{before} -. \"{}\" .-> n{after}", coded(kind)),
        });
    }
}

/// Text within a label of Mermaid: what it would act on becomes a code.
fn coded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | ';' | '`' | '\\' => {
                out.push_str(&format!("#{};", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    out
}

/// A graph as Graphviz reads it.
pub(super) fn dot(out: &mut Screen, spots: &[Spot<'_>], arrows: &[Arrow<'_>]) {
    out.line("digraph beads {");
    out.line("  rankdir=LR;");
    out.line("  node [shape=box];");
    let plain = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    for (n, spot) in spots.iter().enumerate() {
        let (id, title, status) = (plain(spot.short), plain(spot.title), plain(spot.status));
        out.line(format!("  n{n} [label=\"{id}: {title}\\n{status}\"];"));
    }
    for Arrow { before, after, kind } in arrows {
        out.line(match *kind {
            "blocks" => format!("  n{before} -> n{after};"),
            kind => format!("  n{before} -> n{after} [style=dashed, label=\"{}\"];", plain(kind)),
        });
    }
    out.line("}");
}
