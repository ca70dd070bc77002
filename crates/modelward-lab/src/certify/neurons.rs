//! Branch and bound over the signs of what enters `max(0, x)`: where it is settled, nothing of it is
//! left to relax.
//!
//! A branch assumes signs. They narrow the bounds of those values, and multipliers bring them into
//! the bound of the whole (beta-CROWN, Wang et al. 2021). Which sign is assumed next is tried out on a
//! few that promise most (Bunel et al. 2020; De Palma et al. 2021).

use crate::certify::{
    Asked, Verdict,
    climb::{Climber, Top},
    curve::Curve,
    goal::{Goal, witness},
    network::{Kind, Network},
    region::Region,
    walk::{Rows, Slopes},
};

/// A branch: its assumptions, and where the climb of its rows left off.
struct Branch {
    climber: Climber,
    /// The value whose sign is assumed next: its layer and place.
    next: (usize, usize),
}

/// Branches that are bounded together.
const TOGETHER: usize = 8;

/// Values whose signs are tried out.
const TRIED: usize = 8;

/// Steps that the whole climbs.
const FIRST: i32 = 48;

/// Steps that each branch climbs from where its parent left off.
const STEPS: i32 = 5;

/// Settle one set of a goal.
pub(super) fn settle(
    network: &Network,
    goal: &Goal,
    set: usize,
    root: &Region,
    asked: &Asked<'_>,
) -> Verdict {
    let whole = (&root.low[0][..], &root.high[0][..]);
    let roots = std::slice::from_ref(root);
    let mut rows = Rows::new(network.output);
    goal.rows(network.output, &[set], 0, &mut rows);
    let count = rows.len();
    let climber = Climber::new(network, roots, &rows);
    let top = climber.climb(network, roots, &rows, FIRST, asked.time_up);
    if top.bounds.iter().any(|bound| *bound > 0.0) {
        return Verdict::branching();
    }
    let next = choose(network, goal, set, roots, &top, count, asked);
    let (next, point) = match next {
        Ok(next) => next,
        Err(verdict) => return verdict,
    };
    if let Some(point) = witness(network, goal, whole, &point, asked.judge) {
        return Verdict::Candidate(point);
    }
    let Some(&next) = next.first().and_then(Option::as_ref) else {
        return Verdict::unknown("nothing is left to branch on");
    };
    let together = (room(network) / 4).clamp(1, TOGETHER / 2);
    let mut branches = vec![Branch { climber: top.best, next }];
    while !branches.is_empty() {
        let mut children = Vec::new();
        for branch in branches.drain(branches.len().saturating_sub(together)..) {
            for sign in [1.0, -1.0] {
                let mut climber = branch.climber.clone();
                let assumed = ((branch.next.0, branch.next.1, sign), 0.0);
                climber.assumed.iter_mut().for_each(|row| row.push(assumed));
                children.push(climber);
            }
        }
        if (asked.time_up)() {
            return Verdict::time();
        }
        let regions = children
            .iter()
            .map(|child| narrowed(network, root, &child.assumed[0]))
            .collect::<Vec<_>>();
        let mut rows = Rows::new(network.output);
        let mut all = Climber::default();
        for (place, child) in children.into_iter().enumerate() {
            goal.rows(network.output, &[set], place, &mut rows);
            all.slopes.extend(child.slopes);
            all.assumed.extend(child.assumed);
        }
        let top = all.climb(network, &regions, &rows, STEPS, asked.time_up);
        let (next, points) = match choose(network, goal, set, &regions, &top, count, asked) {
            Ok(next) => next,
            Err(verdict) => return verdict,
        };
        if !points.is_empty()
            && let Some(point) = witness(network, goal, whole, &points, asked.judge)
        {
            return Verdict::Candidate(point);
        }
        let Top { bounds, best, .. } = top;
        let mut parts = best.slopes.into_iter().zip(best.assumed);
        for (next, bounds) in next.into_iter().zip(bounds.chunks(count)) {
            let (slopes, assumed) = parts.by_ref().take(count).unzip();
            if bounds.iter().any(|bound| *bound > 0.0) {
                continue;
            }
            let Some(next) = next else {
                return Verdict::unknown("nothing is left to branch on");
            };
            branches.push(Branch { climber: Climber { slopes, assumed }, next });
        }
    }
    Verdict::branching()
}

/// How many regions of a network may be held at once.
fn room(network: &Network) -> usize {
    const VALUES: usize = 1 << 22;
    let values = network.layers.iter().map(|layer| layer.size).sum::<usize>();
    (VALUES / values.max(1)).max(4)
}

/// A region in which signs are assumed.
fn narrowed(network: &Network, root: &Region, assumed: &[((usize, usize, f64), f64)]) -> Region {
    let mut region = root.clone();
    for ((layer, place, sign), _) in assumed {
        let bound = if *sign > 0.0 { &mut region.high } else { &mut region.low };
        bound[*layer][*place] = 0.0;
    }
    region.set_lines(network);
    region
}

/// What to branch on next in each region, and the points where their bounds are least.
type Next = (Vec<Option<(usize, usize)>>, Vec<f64>);

fn choose(
    network: &Network,
    goal: &Goal,
    set: usize,
    regions: &[Region],
    top: &Top,
    count: usize,
    asked: &Asked<'_>,
) -> Result<Next, Verdict> {
    let inputs = network.inputs();
    let (mut points, mut tried, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
    for (place, bounds) in top.bounds.chunks(count).enumerate() {
        if bounds.iter().any(|bound| *bound > 0.0) {
            wanted.push(0);
            continue;
        }
        let best = (0..count).max_by(|a, b| bounds[*a].total_cmp(&bounds[*b])).unwrap_or(0);
        let row = place * count + best;
        points.extend(&top.values[0][row * inputs..(row + 1) * inputs]);
        let mut scores = scores(network, &regions[place], top, row);
        scores.sort_by(|a, b| b.0.total_cmp(&a.0));
        scores.truncate((room(network) / (2 * regions.len())).clamp(1, TRIED));
        wanted.push(scores.len());
        tried.extend(scores.into_iter().map(|(_, neuron)| (place, row, neuron)));
    }
    if (asked.time_up)() {
        return Err(Verdict::time());
    }
    // Both signs of each, by one walk.
    let (mut halves, mut rows, mut all) =
        (Vec::new(), Rows::new(network.output), Climber::default());
    for (place, row, neuron) in &tried {
        for sign in [1.0, -1.0] {
            let mut assumed = top.best.assumed[*row].clone();
            assumed.push(((neuron.0, neuron.1, sign), 0.0));
            let region = &regions[*place];
            let mut half = region.clone();
            let bound = if sign > 0.0 { &mut half.high } else { &mut half.low };
            bound[neuron.0][neuron.1] = 0.0;
            half.set_lines(network);
            halves.push(half);
            let function = goal.sets[set][row % count];
            let (factors, shift) = &goal.functions[function];
            rows.push(factors, *shift, halves.len() - 1);
            all.slopes.push(top.best.slopes[*row].clone());
            all.assumed.push(assumed);
        }
    }
    let bounds =
        if tried.is_empty() { Vec::new() } else { all.walk(network, &halves, &rows).bounds };
    let mut at = 0;
    let next = wanted.into_iter().map(|wanted| {
        let places = at..at + wanted;
        at += wanted;
        let worth = |place: &usize| {
            let (a, b) = (bounds[place * 2].min(0.0), bounds[place * 2 + 1].min(0.0));
            a.min(b) + 0.3 * a.max(b)
        };
        places.max_by(|a, b| worth(a).total_cmp(&worth(b))).map(|place| tried[place].2)
    });
    Ok((next.collect(), points))
}

/// How much each open value's lines take from a row's bound.
fn scores(network: &Network, region: &Region, top: &Top, row: usize) -> Vec<(f64, (usize, usize))> {
    let mut scores = Vec::new();
    for (at, layer) in network.layers.iter().enumerate() {
        let Kind::Curve { from, curve: Curve::Relu } = layer.kind else { continue };
        let Some(factors) = top.back.curves[at].get(row * layer.size..(row + 1) * layer.size)
        else {
            continue;
        };
        let slopes: &Slopes = &top.best.slopes[row];
        for (place, a) in factors.iter().enumerate() {
            let (low, high) = (region.low[from][place], region.high[from][place]);
            if low >= 0.0 || high <= 0.0 || *a == 0.0 {
                continue;
            }
            let z = top.values[from][row * layer.size + place];
            let (line, widest) = if *a > 0.0 {
                let slope = slopes[at].get(place).copied().unwrap_or(0.0);
                (slope * z, (slope * -low).max((1.0 - slope) * high))
            } else {
                let above = region.lines[at][place].1;
                (above.slope * z + above.shift, above.shift)
            };
            // What is lost where the row is least, and a part of what may be lost elsewhere.
            let lost = (line - z.max(0.0)).abs() + 0.1 * widest;
            scores.push((a.abs() * lost, (from, place)));
        }
    }
    scores
}
