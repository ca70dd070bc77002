//! Branch and bound over the inputs: a box whose bounds do not settle the goal is cut in two.

use std::sync::Arc;

use crate::certify::{
    Asked, Verdict,
    goal::{Goal, corner, witness},
    network::{Kind, Network},
    region::{Around, Gap, Region},
    survey::regions,
    walk::{Back, Extras, Rows, walk},
};

/// A part of the inputs.
struct Part {
    low: Vec<f64>,
    high: Vec<f64>,
    around: Arc<Around>,
    /// The sets of the goal that are not settled in it.
    open: Vec<usize>,
    /// Where it is to be cut.
    cut: usize,
}

/// The most numbers of all boxes that are bounded together.
const TOGETHER: usize = 1 << 15;

/// Settle a goal, some sets of which are open for the whole box.
pub(super) fn settle(
    network: &Network,
    goal: &Goal,
    whole: (&[f64], &[f64]),
    around: Around,
    open: Vec<usize>,
    asked: &Asked<'_>,
) -> Verdict {
    let values = network.layers.iter().map(|layer| layer.size).sum::<usize>();
    let together = (TOGETHER / values.max(1)).clamp(2, 64);
    let (low, high) = (whole.0.to_vec(), whole.1.to_vec());
    let part = Part { low, high, around: Arc::new(around), open, cut: 0 };
    let mut parts = match bound(network, goal, whole, vec![part], asked) {
        Ok(parts) => parts,
        Err(verdict) => return verdict,
    };
    while !parts.is_empty() {
        if (asked.time_up)() {
            return Verdict::time();
        }
        let mut halves = Vec::new();
        for part in parts.drain(parts.len().saturating_sub(together / 2)..) {
            match halved(part) {
                Some(both) => halves.extend(both),
                None => {
                    return Verdict::unknown("a box of neighbouring floats is too wide for bounds");
                }
            }
        }
        match bound(network, goal, whole, halves, asked) {
            Ok(open) => parts.extend(open),
            Err(verdict) => return verdict,
        }
    }
    Verdict::branching()
}

/// Cut a part where it is to be cut, at a float if there is one between.
fn halved(part: Part) -> Option<[Part; 2]> {
    let (low, high) = (part.low[part.cut], part.high[part.cut]);
    let middle = f64::midpoint(low, high);
    #[expect(clippy::cast_possible_truncation, reason = "the nearest float")]
    let float = f64::from(middle as f32);
    let at = if low < float && float < high { float } else { middle };
    if !(low < at && at < high) {
        return None;
    }
    let (mut first, mut second) = (part.high.clone(), part.low.clone());
    (first[part.cut], second[part.cut]) = (at, at);
    let around = part.around.clone();
    let left = Part { high: first, low: part.low, around, open: part.open.clone(), cut: 0 };
    Some([left, Part { low: second, ..part }])
}

/// Bound parts; gives those that are still open.
fn bound(
    network: &Network,
    goal: &Goal,
    whole: (&[f64], &[f64]),
    mut parts: Vec<Part>,
    asked: &Asked<'_>,
) -> Result<Vec<Part>, Verdict> {
    let boxes = parts.iter().map(|part| (part.low.clone(), part.high.clone())).collect::<Vec<_>>();
    let around = parts.iter().map(|part| part.around.clone()).collect::<Vec<_>>();
    let regions =
        regions(network, &boxes, &around, true, asked.time_up).map_err(|gap| match gap {
            Gap::Time => Verdict::time(),
            Gap::Overflow => Verdict::overflow(),
        })?;
    let mut rows = Rows::new(network.output);
    for (place, part) in parts.iter().enumerate() {
        goal.rows(network.output, &part.open, place, &mut rows);
    }
    let back = walk(network, &regions, rows, &Extras { keep: true, ..Extras::default() });
    let inputs = network.inputs();
    let (mut first, mut points) = (0, Vec::new());
    for (part, region) in parts.iter_mut().zip(&regions) {
        let count = part.open.iter().map(|set| goal.sets[*set].len()).sum::<usize>();
        let bounds = &back.bounds[first..first + count];
        let factors = &back.input[first * inputs..(first + count) * inputs];
        let start = first;
        first += count;
        let best = goal.best(&part.open, bounds);
        let open = part.open.iter().zip(&best).filter(|(_, best)| bounds[**best] <= 0.0);
        let open = open.map(|(set, best)| (*set, *best)).collect::<Vec<_>>();
        part.open = open.iter().map(|(set, _)| *set).collect();
        let Some((_, worst)) = open.iter().min_by(|a, b| bounds[a.1].total_cmp(&bounds[b.1]))
        else {
            continue;
        };
        part.around = Arc::new(region.around(network));
        let mut weights = vec![0.0; inputs];
        for (_, best) in &open {
            let worth = worth(network, region, &back, start + best);
            weights.iter_mut().zip(worth).for_each(|(weight, worth)| *weight += worth);
        }
        part.cut = widest(&weights, (&part.low, &part.high), whole);
        points.extend(corner(region, &factors[worst * inputs..(worst + 1) * inputs]));
        points
            .extend(part.low.iter().zip(&part.high).map(|(low, high)| f64::midpoint(*low, *high)));
    }
    if !points.is_empty()
        && let Some(point) = witness(network, goal, whole, &points, asked.judge)
    {
        return Err(Verdict::Candidate(point));
    }
    parts.retain(|part| !part.open.is_empty());
    Ok(parts)
}

/// How much cutting each input may raise a row's bound: what its lines lose at each curve, by the
/// inputs that make that curve's values wide, and a part of what the row itself moves by.
fn worth(network: &Network, region: &Region, back: &Back, row: usize) -> Vec<f64> {
    let bounds = region.low[0].iter().zip(&region.high[0]);
    let moves = back.row(row).iter().zip(bounds);
    let mut worth = moves.map(|(a, (low, high))| 0.25 * a.abs() * (high - low)).collect::<Vec<_>>();
    let inputs = worth.len();
    for (at, layer) in network.layers.iter().enumerate() {
        let Kind::Curve { from, curve } = layer.kind else { continue };
        let factors = back.curves[at].get(row * layer.size..(row + 1) * layer.size);
        let shares = &region.shares[from];
        let (Some(factors), false) = (factors, shares.is_empty()) else { continue };
        for (place, a) in factors.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            let (low, high) = (region.low[from][place], region.high[from][place]);
            if curve.bends(low, high) {
                let (below, above) = region.lines[at][place];
                let middle = f64::midpoint(low, high);
                let gap = (above.slope - below.slope) * middle + above.shift - below.shift;
                let shares = &shares[place * inputs..(place + 1) * inputs];
                for (worth, share) in worth.iter_mut().zip(shares) {
                    *worth += a.abs() * gap * share;
                }
            }
        }
    }
    worth
}

/// The input that matters most, unless it has been cut so much more often than another that its
/// width no longer can be what matters; then that other.
fn widest(weights: &[f64], part: (&[f64], &[f64]), whole: (&[f64], &[f64])) -> usize {
    let width = |at: &usize| {
        let all = whole.1[*at] - whole.0[*at];
        if all > 0.0 { (part.1[*at] - part.0[*at]) / all } else { 0.0 }
    };
    let places = 0..weights.len();
    let wide = places.clone().max_by(|a, b| width(a).total_cmp(&width(b))).unwrap_or(0);
    let enough = |at: &usize| width(at) * 1024.0 > width(&wide);
    let most = places.filter(enough).max_by(|a, b| weights[*a].total_cmp(&weights[*b]));
    most.unwrap_or(wide)
}
