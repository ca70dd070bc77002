//! Few numbers changed a lot: by the gradient and exact looks (`greedy`), and by random search.
//!
//! The random search is Sparse-RS: Croce, Andriushchenko, Singh, Flammarion and Hein, "Sparse-RS: a
//! versatile framework for query-efficient sparse black-box adversarial attacks", 2022, algorithm 1;
//! it asks for scores alone. The greedy one takes, one after the other, the number that by the
//! gradient promises most (Papernot et al. 2016, JSMA), asked about at both ends of its range.

use modelward_engine::Result;

use crate::{
    arena::{Arena, Case, Reach, row},
    evade::loss::Aim,
};

/// The share of the changed numbers that is exchanged at first, `alpha_init`.
const FIRST_SHARE: f64 = 0.3;

/// Exchange random ones of the changed numbers, with so many queries a sample; it always can.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn exchange(arena: &mut Arena<'_>, queries: usize, attack: u64) -> Result<bool> {
    let (features, classes) = (arena.features(), arena.classes());
    let count = count(arena);
    let mut searches = Vec::new();
    for case in arena.standing() {
        let mut random = arena.random(case, attack, 0);
        let here = &arena.cases[case];
        let movable = movable(here);
        if movable.is_empty() {
            continue;
        }
        let mut set = Set::of(movable, count);
        set.shuffle(&mut random);
        let mut point = here.sample.clone();
        set.inside().iter().for_each(|&at| point[at] = end(here, at, &mut random));
        searches.push(Search { case, set, point, margin: f32::INFINITY, random });
    }
    for query in 0..queries {
        searches.retain(|search| arena.stands(search.case));
        if searches.is_empty() {
            break;
        }
        let share = FIRST_SHARE * decay(query as f64 / queries as f64);
        let cases = searches.iter().map(|search| search.case).collect::<Vec<_>>();
        let mut points = Vec::with_capacity(cases.len() * features);
        let mut sets = Vec::with_capacity(cases.len());
        for search in &mut searches {
            let start = points.len();
            points.extend_from_slice(&search.point);
            let mut set = search.set.clone();
            // The first query is the random start itself.
            if query > 0 {
                let here = &arena.cases[search.case];
                set.propose(here, share, &mut search.random, &mut points[start..]);
            }
            sets.push(set);
        }
        let answers = arena.ask(&cases, &mut points, Reach::Ball)?;
        for ((at, search), set) in searches.iter_mut().enumerate().zip(sets) {
            let margin = arena.margin(search.case, row(&answers.scores, at, classes));
            if margin <= search.margin {
                search.margin = margin;
                search.set = set;
                search.point.copy_from_slice(row(&points, at, features));
            }
        }
    }
    Ok(true)
}

/// A random search at one sample.
#[derive(Debug)]
struct Search {
    case: usize,
    set: Set,
    point: Vec<f32>,
    margin: f32,
    random: fastrand::Rng,
}

/// The numbers that can change, those that are changed first.
#[derive(Clone, Debug)]
struct Set {
    order: Vec<usize>,
    count: usize,
}

impl Set {
    fn of(order: Vec<usize>, count: usize) -> Self {
        let count = count.min(order.len());
        Self { order, count }
    }

    fn inside(&self) -> &[usize] {
        &self.order[..self.count]
    }

    fn shuffle(&mut self, random: &mut fastrand::Rng) {
        for at in 0..self.count {
            let other = random.usize(at..self.order.len());
            self.order.swap(at, other);
        }
    }

    /// Give some of the changed numbers back and change others; where all are changed, some of them
    /// to their other end.
    fn propose(&mut self, case: &Case, share: f64, random: &mut fastrand::Rng, point: &mut [f32]) {
        let changed = ((share * self.count as f64) as usize).max(1);
        for _ in 0..changed.min(self.count) {
            let from = random.usize(..self.count);
            // One of ten keeps its place and draws its value again.
            let stays = self.count == self.order.len() || random.u32(..10) == 0;
            if !stays {
                let to = random.usize(self.count..self.order.len());
                point[self.order[from]] = case.sample[self.order[from]];
                self.order.swap(from, to);
            }
            let at = self.order[from];
            point[at] = end(case, at, random);
        }
    }
}

/// Numbers that are asked about for each place in the set.
const PROMISING: usize = 48;

/// Take the most promising numbers one after the other, and then for so many rounds each of them
/// again; `false` where the model gives no gradient.
///
/// # Errors
/// Where the model cannot be run, or the time is up.
pub fn greedy(arena: &mut Arena<'_>, rounds: usize) -> Result<bool> {
    let count = count(arena).min(arena.features());
    let mut climbs = Vec::new();
    for case in arena.standing() {
        let point = arena.cases[case].sample.clone();
        let scores = arena.cases[case].scores.clone();
        climbs.push(Climb { case, set: Vec::new(), point, scores, margin: f32::INFINITY });
    }
    for _ in 0..count {
        climbs.retain(|climb| arena.stands(climb.case));
        if !take(arena, &mut climbs)? {
            return Ok(false);
        }
    }
    for _ in 0..rounds {
        for _ in 0..count {
            climbs.retain(|climb| arena.stands(climb.case));
            for climb in &mut climbs {
                climb.give_back(&arena.cases[climb.case]);
            }
            if !take(arena, &mut climbs)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// A greedy search at one sample.
#[derive(Debug)]
struct Climb {
    case: usize,
    /// The changed numbers, in the order in which they were taken.
    set: Vec<usize>,
    point: Vec<f32>,
    scores: Vec<f32>,
    margin: f32,
}

impl Climb {
    /// Undo the change that was made first.
    fn give_back(&mut self, case: &Case) {
        if !self.set.is_empty() {
            let at = self.set.remove(0);
            self.point[at] = case.sample[at];
        }
    }
}

/// Change one more number of each, the best of the most promising.
fn take(arena: &mut Arena<'_>, climbs: &mut [Climb]) -> Result<bool> {
    let (features, classes) = (arena.features(), arena.classes());
    if climbs.is_empty() {
        return Ok(true);
    }
    let cases = climbs.iter().map(|climb| climb.case).collect::<Vec<_>>();
    let mut points = climbs.iter().flat_map(|climb| climb.point.clone()).collect::<Vec<_>>();
    let aims = climbs.iter().map(|climb| {
        let target = arena.cases[climb.case].target;
        (target.map_or(Aim::Margin, Aim::Towards), &climb.scores[..])
    });
    let terms = Aim::terms(arena, &cases, aims);
    let Some(slopes) = arena.slope(terms.slope(), &cases, &mut points, Reach::Ball)? else {
        return Ok(false);
    };
    let (mut asked, mut points, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    for (at, climb) in climbs.iter_mut().enumerate() {
        climb.margin = f32::INFINITY;
        for (place, value) in
            promising(&arena.cases[climb.case], climb, row(&slopes.gradients, at, features))
        {
            let start = points.len();
            points.extend_from_slice(&climb.point);
            points[start + place] = value;
            asked.push(climb.case);
            changes.push((at, place, value));
        }
    }
    let answers = arena.ask(&asked, &mut points, Reach::Ball)?;
    let mut best = vec![None; climbs.len()];
    for (row_at, &(at, place, value)) in changes.iter().enumerate() {
        let climb = &mut climbs[at];
        let scores = row(&answers.scores, row_at, classes);
        let margin = arena.margin(climb.case, scores);
        if margin < climb.margin {
            climb.margin = margin;
            climb.scores.copy_from_slice(scores);
            best[at] = Some((place, value));
        }
    }
    for (climb, best) in climbs.iter_mut().zip(best) {
        if let Some((place, value)) = best {
            climb.point[place] = value;
            climb.set.push(place);
        }
    }
    Ok(true)
}

/// The changes of one number, to either end of its range, that gain most by the gradient.
fn promising(case: &Case, climb: &Climb, gradient: &[f32]) -> Vec<(usize, f32)> {
    let ends = |at: usize| [case.ball.low[at], case.ball.high[at]].map(|end| (at, end));
    let free = movable(case).into_iter().filter(|at| !climb.set.contains(at));
    let changes = free.flat_map(ends).filter(|&(at, end)| end != case.sample[at]);
    let gain = |&(at, end): &(usize, f32)| (end - case.sample[at]) * gradient[at];
    let mut changes = changes.collect::<Vec<_>>();
    changes.sort_by(|a, b| gain(b).total_cmp(&gain(a)));
    changes.truncate(PROMISING);
    changes
}

/// How many numbers may change.
fn count(arena: &Arena<'_>) -> usize {
    arena.budget.size() as usize
}

/// The numbers that have somewhere to go.
fn movable(case: &Case) -> Vec<usize> {
    let ends = case.ball.low.iter().zip(&case.ball.high);
    let wide =
        |(low, high): (&f32, &f32)| low < high && low.abs() < f32::MAX && high.abs() < f32::MAX;
    ends.enumerate().filter(|(_, ends)| wide(*ends)).map(|(at, _)| at).collect()
}

/// One end of a number's range.
fn end(case: &Case, at: usize, random: &mut fastrand::Rng) -> f32 {
    if random.bool() { case.ball.high[at] } else { case.ball.low[at] }
}

/// The share that is exchanged, relative to the first: at the places of the paper, which are of
/// 10,000 queries.
fn decay(done: f64) -> f64 {
    const PARTS: [(f64, f64); 9] = [
        (0.8, 20.0),
        (0.6, 15.0),
        (0.4, 12.0),
        (0.2, 10.0),
        (0.1, 8.0),
        (0.05, 6.0),
        (0.02, 5.0),
        (0.005, 4.0),
        (0.0, 2.0),
    ];
    PARTS.iter().find(|(at, _)| done > *at).map_or(1.0, |(_, part)| 1.0 / part)
}
