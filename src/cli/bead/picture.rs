//! The work graph as a picture that needs no other program: one SVG, or one page with it. What data says is
//! text in it, never markup. How a bead stands is told by word, sign and frame as well as by colour.

use crate::bead::layout::{self, Drawing, HIGH, Point, WIDE};
use crate::cli::bead::drawn::{Drawn, Node, State, Tie};
use crate::cli::show::Screen;

/// Around it all, and above it for the legend.
const MARGIN: i32 = 20;
const LEGEND: i32 = 56;
/// About so many letters fit into a box; wide ones count twice.
const LETTERS: usize = 28;
const LETTERS_OF_ID: usize = 18;

const STYLE: &str = "\
svg.beads text { font: 12px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328; }
svg.beads .id { font-weight: 600; }
svg.beads .word { font-size: 11px; }
svg.beads .page { fill: #ffffff; }
svg.beads .box rect { fill: #f6f8fa; stroke: #6e7781; stroke-width: 1.5; }
svg.beads .box.ready rect { fill: #dafbe1; stroke: #1a7f37; }
svg.beads .box.waits rect { fill: #fff1e5; stroke: #bc4c00; stroke-dasharray: 6 4; }
svg.beads .box.in_progress rect { fill: #ddf4ff; stroke: #0969da; stroke-width: 2.5; }
svg.beads .box.epic rect { fill: #fbefff; stroke: #8250df; }
svg.beads .box.aside rect { fill: #f6f8fa; stroke: #6e7781; stroke-dasharray: 2 3; }
svg.beads .box.closed rect { fill: #eaeef2; stroke: #8c959f; stroke-width: 1; }
svg.beads .box.closed text { fill: #57606a; }
svg.beads .box.critical rect { stroke-width: 4; }
svg.beads .box.dim { opacity: 0.15; }
svg.beads .tie { fill: none; stroke: #8c959f; stroke-width: 1.3; }
svg.beads .tie.part { stroke-dasharray: 2 3; }
svg.beads .tie.back { stroke: #cf222e; stroke-dasharray: 8 4; }
svg.beads .tie.critical { stroke: #1f2328; stroke-width: 3; }
svg.beads marker path { fill: #57606a; }
";

const DARK: &str = "\
@media (prefers-color-scheme: dark) {
svg.beads text { fill: #e6edf3; }
svg.beads .page { fill: #0d1117; }
svg.beads .box rect, svg.beads .box.aside rect { fill: #161b22; stroke: #8b949e; }
svg.beads .box.ready rect { fill: #12261e; stroke: #3fb950; }
svg.beads .box.waits rect { fill: #2b1a0d; stroke: #db6d28; }
svg.beads .box.in_progress rect { fill: #0c2238; stroke: #58a6ff; }
svg.beads .box.epic rect { fill: #211a33; stroke: #a371f7; }
svg.beads .box.closed rect { fill: #21262d; stroke: #6e7681; }
svg.beads .box.closed text { fill: #8b949e; }
svg.beads .tie.critical { stroke: #e6edf3; }
svg.beads marker path { fill: #8b949e; }
}
";

const PAGE_STYLE: &str = "\
body { font: 14px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif; margin: 20px; background: #ffffff; color: #1f2328; }
.scroll { overflow: auto; max-height: 75vh; border: 1px solid #d0d7de; }
input { font: inherit; padding: 4px 8px; width: 24em; max-width: 100%; margin: 0 0 12px; }
table { border-collapse: collapse; margin-top: 16px; }
th, td { text-align: left; padding: 3px 12px 3px 0; border-bottom: 1px solid #d0d7de; vertical-align: top; }
@media (prefers-color-scheme: dark) {
body { background: #0d1117; color: #e6edf3; }
.scroll, th, td { border-color: #30363d; }
a { color: #58a6ff; }
}
";

const SCRIPT: &str = "\
const asked = document.getElementById('filter');
const rows = document.querySelectorAll('tr[data-box]');
asked.addEventListener('input', () => {
  const words = asked.value.toLowerCase().split(/\\s+/);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    const fits = words.every(word => text.includes(word));
    row.hidden = !fits;
    document.getElementById(row.dataset.box).classList.toggle('dim', !fits);
  }
});
";

const STATES: [State; 6] =
    [State::Ready, State::Waits, State::InProgress, State::Epic, State::Aside, State::Closed];

/// What lines that are not plain say.
const LINES: [(&str, &str); 3] =
    [("critical", "critical path"), ("part", "part of"), ("back", "back: a ring")];

/// A page of its own: the picture, a table of its beads, and a box to filter by.
pub(super) fn html(out: &mut Screen, drawn: &Drawn) {
    out.line("<!DOCTYPE html>");
    out.line("<html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.line("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">");
    out.line("<meta name=\"viewport\" content=\"width=device-width\">");
    out.line("<title>Beads</title><style>");
    out.block(PAGE_STYLE, 0);
    out.line("</style></head><body>");
    out.line(format!("<h1>Beads</h1><p>{}</p>", plain(&drawn.sentence())));
    out.line("<input id=\"filter\" type=\"search\" placeholder=\"Filter by words\" aria-label=\"Filter by words\">");
    out.line("<div class=\"scroll\">");
    svg(out, drawn);
    out.line("</div><table><thead><tr><th>Bead</th><th>State</th><th>Priority</th><th>Type</th><th>Who</th><th>Title</th></tr></thead><tbody>");
    for (n, node) in drawn.nodes.iter().enumerate() {
        let (sign, word) = node.state.told();
        let [short, kind, title] = [&node.short, &node.issue_type, &node.title].map(|it| plain(it));
        let who = plain(node.assignee.as_deref().unwrap_or_default());
        let critical = if node.is_critical { " *" } else { "" };
        out.line(format!(
            "<tr data-box=\"b{n}\"><td><a href=\"#b{n}\">{short}</a>{critical}</td><td>{sign} {word}</td>\
             <td>P{}</td><td>{kind}</td><td>{who}</td><td>{title}</td></tr>",
            node.priority
        ));
    }
    out.line("</tbody></table><script>");
    out.block(SCRIPT, 0);
    out.line("</script></body></html>");
}

/// One picture.
pub(super) fn svg(out: &mut Screen, drawn: &Drawn) {
    let layers: Vec<_> = drawn.nodes.iter().map(|node| node.layer).collect();
    let ties: Vec<_> = drawn.edges.iter().map(|tie| (tie.before, tie.after)).collect();
    let drawing = layout::draw(&layers, &ties);
    let legend = i32::try_from(STATES.len()).unwrap_or(0) * 110 + 120 * 3;
    let width = drawing.width.max(legend) + 2 * MARGIN;
    let height = drawing.height + LEGEND + 2 * MARGIN;
    out.line(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"beads\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">"
    ));
    let sentence = plain(&drawn.sentence());
    out.line(format!("<title>{sentence}</title><style>"));
    out.block(STYLE, 0);
    out.block(DARK, 0);
    out.line("</style><defs>");
    out.line("<marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker>");
    out.line(format!(
        "<clipPath id=\"clip\"><rect x=\"-3\" y=\"-3\" width=\"{}\" height=\"{}\"/></clipPath></defs>",
        WIDE + 6,
        HIGH + 6
    ));
    out.line("<rect class=\"page\" width=\"100%\" height=\"100%\"/>");
    out.line(format!("<text x=\"{MARGIN}\" y=\"{}\">{sentence}</text>", MARGIN + 8));
    told(out);
    out.line(format!("<g transform=\"translate({MARGIN},{})\">", MARGIN + LEGEND));
    let Drawing { boxes, lines, .. } = &drawing;
    for (tie, line) in drawn.edges.iter().zip(lines) {
        tied(out, drawn, tie, line);
    }
    for (n, (node, corner)) in drawn.nodes.iter().zip(boxes).enumerate() {
        boxed(out, node, n, *corner);
    }
    out.line("</g></svg>");
}

/// What frames and lines mean.
fn told(out: &mut Screen) {
    let y = MARGIN + 22;
    for (at, state) in (0..).zip(STATES) {
        let (sign, word) = state.told();
        out.line(format!(
            "<g class=\"box {}\" transform=\"translate({},{y})\"><rect width=\"100\" height=\"20\" rx=\"4\"/>\
             <text class=\"word\" x=\"8\" y=\"14\">{sign} {word}</text></g>",
            class(state),
            MARGIN + at * 110
        ));
    }
    let x = MARGIN + i32::try_from(STATES.len()).unwrap_or(0) * 110;
    for (at, (line, word)) in (0..).zip(LINES) {
        out.line(format!(
            "<g transform=\"translate({},{y})\"><path class=\"tie {line}\" d=\"M0 10L30 10\"/>\
             <text class=\"word\" x=\"36\" y=\"14\">{word}</text></g>",
            x + at * 120
        ));
    }
}

fn class(state: State) -> &'static str {
    match state {
        State::Ready => "ready",
        State::Waits => "waits",
        State::InProgress => "in_progress",
        State::Epic => "epic",
        State::Aside => "aside",
        State::Closed => "closed",
    }
}

fn tied(out: &mut Screen, drawn: &Drawn, tie: &Tie, line: &[Point]) {
    let mut points = line.iter();
    let Some((mut x, mut y)) = points.next().copied() else { return };
    let (mut path, mut is_back) = (format!("M{x} {y}"), false);
    // Between the layers a bow, through each lane a straight line.
    for (at, (to_x, to_y)) in points.enumerate() {
        is_back |= *to_x < x;
        if is_back {
            // Over both boxes, so that it is seen.
            let (over, to_over) = (y - HIGH / 2 - 7, to_y - HIGH / 2 - 7);
            let (right, left) = (x + 24, to_x - 24);
            path += &format!(
                "C{right} {y} {right} {over} {x} {over}L{to_x} {to_over}C{left} {to_over} {left} {to_y} {to_x} {to_y}"
            );
        } else if at % 2 == 0 {
            let middle = x + (to_x - x) / 2;
            path += &format!("C{middle} {y} {middle} {to_y} {to_x} {to_y}");
        } else {
            path += &format!("L{to_x} {to_y}");
        }
        (x, y) = (*to_x, *to_y);
    }
    let kind = match (is_back, drawn.is_critical(tie), tie.kind.as_str()) {
        (true, ..) => " back",
        (_, true, _) => " critical",
        (.., "parent-child") => " part",
        _ => "",
    };
    out.line(format!("<path class=\"tie{kind}\" d=\"{path}\" marker-end=\"url(#arrow)\"/>"));
}

fn boxed(out: &mut Screen, node: &Node, n: usize, (x, y): Point) {
    let (sign, word) = node.state.told();
    let critical = if node.is_critical { " critical" } else { "" };
    let (short, title) = (cut(&node.short, LETTERS_OF_ID), cut(&node.title, LETTERS));
    let who = node.assignee.as_ref().map(|who| format!(" @{who}")).unwrap_or_default();
    let whole = format!(
        "{}: {} (P{} {}, {}{who})",
        node.id, node.title, node.priority, node.issue_type, node.status
    );
    out.line(format!(
        "<g id=\"b{n}\" class=\"box {}{critical}\" transform=\"translate({x},{y})\" clip-path=\"url(#clip)\">\
         <title>{}</title><rect width=\"{WIDE}\" height=\"{HIGH}\" rx=\"6\"/>\
         <text class=\"id\" x=\"10\" y=\"17\">{}</text>\
         <text class=\"word\" x=\"{}\" y=\"17\" text-anchor=\"end\">{sign} {word}</text>\
         <text x=\"10\" y=\"35\">{}</text></g>",
        class(node.state),
        plain(&whole),
        plain(&short),
        WIDE - 10,
        plain(&title),
    ));
}

/// The beginning of a text, as much as fits, and a sign that there is more.
fn cut(text: &str, most: usize) -> String {
    let wide = |c: char| if c >= '\u{1100}' { 2 } else { 1 };
    if text.chars().map(wide).sum::<usize>() <= most {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += wide(*c);
        used <= most
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Text as markup that shows it. What no such file may hold is shown as a sign for that.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_cut_to_fit_and_never_markup() {
        for (text, most, cut_to) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("漢字漢字", 8, "漢字漢字"),
            ("漢字漢字漢", 8, "漢字漢…"),
        ] {
            assert_eq!(cut(text, most), cut_to);
        }
        assert_eq!(plain("a<b>&\"c\"\u{ffff}"), "a&lt;b&gt;&amp;&quot;c&quot;\u{fffd}");
    }
}
