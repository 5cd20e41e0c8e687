//! Where does each box stand, and where do the lines run? Layers from left to right, in each an order with
//! few crossings, lines that pass by a layer in lanes of their own. Pure, and in whole pixels.

/// A box, the room between boxes of a layer, and between layers.
pub const WIDE: i32 = 220;
pub const HIGH: i32 = 44;
const GAP: i32 = 14;
const BETWEEN: i32 = 80;
/// What a line needs that passes by.
const LANE: i32 = 4;
/// So often boxes are moved to where their neighbours are.
const ROUNDS: usize = 6;
/// More lanes than this are not worth their time: the lines of later boxes run straight.
const LANES: usize = 20_000;

pub type Point = (i32, i32);

/// The upper left corner of each box, and for each tie the points through which its line runs: from the
/// side of one box to the side of the other.
#[derive(Debug, Default)]
pub struct Drawing {
    pub boxes: Vec<Point>,
    pub lines: Vec<Vec<Point>>,
    pub width: i32,
    pub height: i32,
}

/// A box or a lane, with what it is tied to in the layer before and in the one after.
struct Item {
    layer: usize,
    high: i32,
    middle: i32,
    near: [Vec<usize>; 2],
}

/// Draws boxes that stand in these layers, tied so: each pair from what is first to what is after.
pub fn draw(layers: &[usize], ties: &[(usize, usize)]) -> Drawing {
    let mut tied = vec![false; layers.len()];
    for (before, after) in ties {
        for end in [before, after] {
            if let Some(tied) = tied.get_mut(*end) {
                *tied = true;
            }
        }
    }
    let (mut items, routes) = routed(layers, ties);
    let mut columns: Vec<Vec<usize>> = Vec::new();
    for (n, item) in items.iter().enumerate() {
        if tied.get(n) != Some(&false) {
            columns.resize_with(columns.len().max(item.layer + 1), Vec::new);
            if let Some(column) = columns.get_mut(item.layer) {
                column.push(n);
            }
        }
    }
    ordered(&items, &mut columns);
    placed(&mut items, &columns);
    let loose: Vec<_> = (0..layers.len()).filter(|n| tied.get(*n) == Some(&false)).collect();
    drawn(&items, &routes, layers.len(), (&columns, &loose))
}

/// Boxes first, then lanes; and for each tie the items that its line runs through.
fn routed(layers: &[usize], ties: &[(usize, usize)]) -> (Vec<Item>, Vec<Vec<usize>>) {
    let item = |layer, high| Item { layer, high, middle: 0, near: Default::default() };
    let mut items: Vec<_> = layers.iter().map(|layer| item(*layer, HIGH)).collect();
    // What leads from one box to several far ones runs in one lane for as long as it can.
    let mut lanes: Vec<Vec<usize>> = vec![Vec::new(); layers.len()];
    let layer = |n: usize| layers.get(n).copied().unwrap_or(0);
    let mut routes = Vec::with_capacity(ties.len());
    for (before, after) in ties.iter().copied() {
        let (from, to) = (layer(before), layer(after));
        let mut route = vec![before];
        if let (true, Some(own)) = (to > from, lanes.get_mut(before)) {
            while own.len() + from + 1 < to && items.len() < layers.len() + LANES {
                let (behind, lane) = (own.last().copied().unwrap_or(before), items.len());
                items.push(item(from + 1 + own.len(), LANE));
                own.push(lane);
                join(&mut items, behind, lane);
            }
            if own.len() + from + 1 >= to {
                route.extend(own.iter().take(to - from - 1));
                join(&mut items, route.last().copied().unwrap_or(before), after);
            }
        }
        route.push(after);
        routes.push(route);
    }
    (items, routes)
}

fn join(items: &mut [Item], before: usize, after: usize) {
    for (at, side, other) in [(before, 1, after), (after, 0, before)] {
        if let Some(near) = items.get_mut(at).and_then(|item| item.near.get_mut(side)) {
            near.push(other);
        }
    }
}

/// Orders each layer by where its neighbours are, to and fro.
fn ordered(items: &[Item], columns: &mut [Vec<usize>]) {
    let mut place = vec![0; items.len()];
    let note = |place: &mut [i64], column: &[usize]| {
        for (at, n) in column.iter().enumerate() {
            if let Some(place) = place.get_mut(*n) {
                *place = at as i64 * 1024;
            }
        }
    };
    for column in columns.iter() {
        note(&mut place, column);
    }
    for round in 0..ROUNDS {
        let side = round % 2;
        for step in 0..columns.len() {
            let at = if side == 0 { step } else { columns.len() - 1 - step };
            let Some(column) = columns.get_mut(at) else { continue };
            let mut keyed: Vec<(i64, usize)> =
                column.iter().map(|n| (mean(items, *n, side, &place), *n)).collect();
            keyed.sort_by_key(|(key, _)| *key);
            *column = keyed.into_iter().map(|(_, n)| n).collect();
            note(&mut place, column);
        }
    }
}

/// Where the neighbours on one side are in the mean; where there is none, where it is itself.
fn mean(items: &[Item], n: usize, side: usize, place: &[i64]) -> i64 {
    let near = items.get(n).and_then(|item| item.near.get(side)).map_or(&[][..], Vec::as_slice);
    let at = |n: &usize| place.get(*n).copied().unwrap_or(0);
    match near.len() as i64 {
        0 => at(&n),
        count => near.iter().map(at).sum::<i64>().div_euclid(count),
    }
}

/// Moves each as near to its neighbours as the order of its layer lets it.
fn placed(items: &mut [Item], columns: &[Vec<usize>]) {
    let mut place = vec![0; items.len()];
    for column in columns {
        let mut at = 0;
        for n in column {
            if let Some(place) = place.get_mut(*n) {
                *place = at;
            }
            at += i64::from(HIGH + GAP);
        }
    }
    for round in 0..ROUNDS {
        let side = round % 2;
        for step in 0..columns.len() {
            let at = if side == 0 { step } else { columns.len() - 1 - step };
            let column = columns.get(at).map_or(&[][..], Vec::as_slice);
            let wanted: Vec<_> = column.iter().map(|n| mean(items, *n, side, &place)).collect();
            for (n, middle) in column.iter().zip(apart(items, column, &wanted)) {
                if let Some(place) = place.get_mut(*n) {
                    *place = middle;
                }
            }
        }
    }
    for (item, place) in items.iter_mut().zip(place) {
        item.middle = i32::try_from(place).unwrap_or(i32::MAX / 2);
    }
}

/// The places nearest to the wanted ones at which nothing overlaps and the order stays: who would overlap
/// moves together, around the middle of what they want.
fn apart(items: &[Item], column: &[usize], wanted: &[i64]) -> Vec<i64> {
    let high = |n: &usize| items.get(*n).map_or(0, |item| item.high);
    let mut offset = 0;
    let mut offsets = Vec::with_capacity(column.len());
    for (at, n) in column.iter().enumerate() {
        if let Some(above) = at.checked_sub(1).and_then(|at| column.get(at)) {
            offset += i64::from((high(above) + high(n)) / 2 + GAP);
        }
        offsets.push(offset);
    }
    // Groups that move together: their sum and how many they are.
    let mut groups: Vec<(i64, i64)> = Vec::new();
    for (wanted, offset) in wanted.iter().zip(&offsets) {
        let mut group = (wanted - offset, 1);
        while let Some((sum, count)) = groups.last().copied() {
            if sum.div_euclid(count) <= group.0.div_euclid(group.1) {
                break;
            }
            groups.pop();
            group = (group.0 + sum, group.1 + count);
        }
        groups.push(group);
    }
    let starts = groups.iter().flat_map(|(sum, count)| {
        std::iter::repeat_n(sum.div_euclid(*count), usize::try_from(*count).unwrap_or(0))
    });
    starts.zip(offsets).map(|(start, offset)| start + offset).collect()
}

fn drawn(
    items: &[Item],
    routes: &[Vec<usize>],
    boxes: usize,
    (columns, loose): (&[Vec<usize>], &[usize]),
) -> Drawing {
    let tied = || columns.iter().flatten().filter_map(|n| items.get(*n));
    let top = tied().map(|item| item.middle - item.high / 2).min().unwrap_or(0);
    let bottom = tied().map(|item| item.middle + item.high / 2).max().unwrap_or(top);
    let left = |layer: usize| i32::try_from(layer).unwrap_or(0) * (WIDE + BETWEEN);
    let mut drawing = Drawing { height: bottom - top, ..Drawing::default() };
    drawing.boxes = items
        .iter()
        .take(boxes)
        .map(|item| (left(item.layer), item.middle - top - HIGH / 2))
        .collect();
    // What is tied to nothing stands below, in as many columns as there are layers, or as make a square.
    let square = (1..).find(|n| n * n >= loose.len()).unwrap_or(1).min(8);
    let across = columns.len().max(square).max(1);
    let below = if columns.is_empty() { 0 } else { drawing.height + 2 * GAP };
    for (at, n) in loose.iter().enumerate() {
        let down = i32::try_from(at / across).unwrap_or(0) * (HIGH + GAP);
        if let Some(corner) = drawing.boxes.get_mut(*n) {
            *corner = (left(at % across), below + down);
        }
        drawing.height = below + down + HIGH;
    }
    let used = columns.len().max(across.min(loose.len()));
    drawing.width = (left(used) - BETWEEN).max(0);
    drawing.lines = routes.iter().map(|route| line(items, route, (boxes, top), &left)).collect();
    drawing
}

/// From the right side of the first to the left side of the last, through both sides of each lane.
fn line(
    items: &[Item],
    route: &[usize],
    (boxes, top): (usize, i32),
    left: &dyn Fn(usize) -> i32,
) -> Vec<Point> {
    let mut points = Vec::with_capacity(route.len() * 2);
    for (at, n) in route.iter().enumerate() {
        let Some(item) = items.get(*n) else { continue };
        let (start, y) = (left(item.layer), item.middle - top);
        if at > 0 {
            points.push((start, y));
        }
        if at == 0 || *n >= boxes {
            points.push((start + WIDE, y));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_that_passes_by_has_a_lane() {
        let drawing = draw(&[0, 1, 2, 0], &[(0, 1), (1, 2), (0, 2)]);
        let [(_, first), (_, second), (_, third), loose] = drawing.boxes[..] else { panic!() };
        assert_eq!(
            (drawing.boxes[2].0, drawing.width),
            (2 * (WIDE + BETWEEN), 3 * WIDE + 2 * BETWEEN)
        );
        assert_eq!(drawing.lines[2].len(), 4, "out of one, by the next, into the last");
        assert!((drawing.lines[2][1].1 - second - HIGH / 2).abs() > HIGH / 2, "not behind it");
        assert!(loose.1 > first.max(second).max(third), "what is tied to nothing stands below");
    }

    #[test]
    fn what_is_many_takes_no_long_time() {
        let star: Vec<_> = (1..20_000).map(|n| (0, n)).collect();
        let layers: Vec<_> = (0..20_000).map(|n: usize| n.min(1)).collect();
        assert_eq!(draw(&layers, &star).boxes.len(), 20_000);
        // Each is tied to the first, from ever further away.
        let layers: Vec<_> = (0..3_000).collect();
        let far: Vec<_> = (1..3_000).flat_map(|n| [(0, n), (n - 1, n)]).collect();
        assert_eq!(draw(&layers, &far).lines.len(), 5_998);
    }

    proptest! {
        #[test]
        fn boxes_never_overlap_and_lines_end_at_them(
            layers in proptest::collection::vec(0usize..6, 1..30),
            pairs in proptest::collection::vec((0usize..30, 0usize..30), 0..60),
        ) {
            let count = layers.len();
            let ties: Vec<_> = pairs.iter().map(|(a, b)| (a % count, b % count)).collect();
            let Drawing { boxes, lines, width, height } = draw(&layers, &ties);
            let within = |(x, y): Point, (left, top): Point| {
                (left..left + WIDE).contains(&x) && (top..top + HIGH).contains(&y)
            };
            for (n, (x, y)) in boxes.iter().enumerate() {
                prop_assert!(*x >= 0 && *y >= 0 && x + WIDE <= width && y + HIGH <= height);
                for (left, top) in &boxes[..n] {
                    let apart = (x - left).abs() >= WIDE || (y - top).abs() >= HIGH;
                    prop_assert!(apart, "{:?} over {:?}", (x, y), (left, top));
                }
            }
            for (line, (before, after)) in lines.iter().zip(&ties) {
                let ((x, y), (to_x, to_y)) = (boxes[*before], boxes[*after]);
                prop_assert_eq!(line[0], (x + WIDE, y + HIGH / 2));
                prop_assert_eq!(*line.last().unwrap(), (to_x, to_y + HIGH / 2));
                for (x, y) in &line[1..line.len() - 1] {
                    let lane = (x - x.rem_euclid(WIDE + BETWEEN) + 1, *y);
                    prop_assert!(!boxes.iter().any(|corner| within(lane, *corner)));
                }
            }
        }
    }
}
