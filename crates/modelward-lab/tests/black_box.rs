//! Attacks that have scores or labels alone, against models of a few lines.

#![allow(clippy::unwrap_used, clippy::cast_possible_wrap, reason = "a test")]

use std::{cell::Cell, rc::Rc};

use modelward_engine::{Kind, Result, Trouble};
use modelward_lab::{
    arena::{Arena, OUT_OF_TIME},
    budget::{Budget, Norm},
    evade::{Effort, boundary, hopskipjump, nes, simba, transfer},
    exact,
    robustness::{Question, measure},
    rule::Rule,
    trees::Verdict,
    trust::Reliability,
    victim::{Answers, Gives, NO_ANSWER, OUT_OF_QUERIES, Slope, Slopes, Victim},
};

/// `w . x` against a bound, in as many numbers as there are weights.
struct Linear {
    shape: Vec<usize>,
    weights: Vec<f32>,
    bound: f32,
    gives: Gives,
    budget: Option<u64>,
    /// Whether it refuses what is over the budget, as a server's client does, and does not panic.
    refuses: bool,
    /// After so many samples it answers no more.
    gone: u64,
    /// A single sample is not answered from the so manyth on.
    alone: u64,
    asked: Rc<Cell<u64>>,
    decides: bool,
}

impl Linear {
    fn new(gives: Gives, shape: &[usize]) -> Self {
        let count = shape.iter().product::<usize>();
        // Signs and sizes differ.
        let weight = |at: usize| [1.0, -0.5, 0.25, 2.0, -1.0][at % 5];
        let weights = (0..count).map(weight).collect::<Vec<f32>>();
        let bound = weights.iter().sum::<f32>() / 2.0;
        let asked = Rc::new(Cell::new(0));
        Self {
            shape: shape.to_vec(),
            weights,
            bound,
            gives,
            budget: None,
            refuses: false,
            gone: u64::MAX,
            alone: u64::MAX,
            asked,
            decides: false,
        }
    }

    fn margin(&self, x: &[f32]) -> f32 {
        self.weights.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() - self.bound
    }

    /// Samples around the boundary, `[n, features]`, and their labels; each can be moved over it by
    /// `reach` in every number.
    fn samples(&self, count: u64, reach: f32) -> (Vec<f32>, Vec<usize>) {
        let size = self.weights.iter().map(|w| w.abs()).sum::<f32>();
        let mut x = Vec::new();
        let mut y = Vec::new();
        for at in 0..count {
            let mut random = modelward_lab::random::stream(&[at]);
            let mut point = vec![0.0; self.weights.len()];
            point.iter_mut().for_each(|x| *x = 0.3 + 0.4 * random.f32());
            // Onto the boundary, and from there so far that `reach` brings it back.
            let square = self.weights.iter().map(|w| w * w).sum::<f32>();
            let off = self.margin(&point) / square;
            let side = if at % 2 == 0 { 1.0 } else { -1.0 };
            let away = side * reach * 0.7 * size / square;
            point.iter_mut().zip(&self.weights).for_each(|(x, w)| *x += (away - off) * w);
            y.push(usize::from(self.margin(&point) > 0.0));
            x.extend(point);
        }
        (x, y)
    }
}

impl Victim for Linear {
    fn features(&self) -> usize {
        self.weights.len()
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn classes(&self) -> usize {
        2
    }

    fn gives(&self) -> Gives {
        self.gives
    }

    fn left(&self) -> Option<u64> {
        self.budget.map(|budget| budget - self.asked.get())
    }

    fn decides(&self) -> bool {
        self.decides
    }

    fn decide(
        &mut self,
        low: &[f32],
        high: &[f32],
        class: usize,
        _: Option<std::time::Instant>,
    ) -> Result<Verdict> {
        let against = if class == 1 { -1.0 } else { 1.0 };
        let ends = low.iter().zip(high).zip(&self.weights);
        let corner = ends.map(|((low, high), w)| if w * against > 0.0 { *high } else { *low });
        let corner = corner.collect::<Vec<_>>();
        let falls = (self.margin(&corner) > 0.0) != (class == 1);
        Ok(if falls { Verdict::Violated(corner) } else { Verdict::Holds })
    }

    fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
        let rows = inputs.chunks_exact(self.weights.len());
        if self.refuses && self.left().is_some_and(|left| left < rows.len() as u64) {
            return Err(Trouble::new(Kind::Limit, OUT_OF_QUERIES));
        }
        self.asked.set(self.asked.get() + rows.len() as u64);
        if self.asked.get() > self.gone {
            return Err(Trouble::new(Kind::Limit, NO_ANSWER));
        }
        if rows.len() == 1 && self.asked.get() > self.alone {
            return Err(Trouble::new(Kind::Limit, OUT_OF_QUERIES));
        }
        assert!(self.budget.is_none_or(|budget| self.asked.get() <= budget), "too many queries");
        let margins = rows.map(|row| self.margin(row)).collect::<Vec<_>>();
        let labels = margins.iter().map(|&margin| i64::from(margin > 0.0)).collect();
        let scores = match self.gives {
            Gives::Labels => Vec::new(),
            _ => margins.into_iter().flat_map(|margin| [0.0, margin]).collect(),
        };
        Ok(Answers { labels, scores })
    }

    fn slope(&mut self, _: Slope<'_>, _: &[f32]) -> Result<Option<Slopes>> {
        Ok(None)
    }
}

fn budget(norm: Norm, eps: &str) -> Budget {
    Budget { norm, eps: exact::parse(eps).unwrap(), clip: Some((0.0, 1.0)) }
}

type Attack = fn(&mut Arena<'_>, usize) -> Result<bool>;

const BY_SCORES: [(&str, Attack); 2] = [
    ("simba", |arena, queries| simba::walk(arena, queries, 1)),
    ("nes", |arena, queries| nes::climb(arena, queries, 1)),
];

const BY_LABELS: [(&str, Attack); 2] = [
    ("hopskipjump", |arena, queries| hopskipjump::walk(arena, queries, 1)),
    ("boundary", |arena, queries| boundary::walk(arena, queries, 1)),
];

/// The witnesses of an attack on all samples, or some of them, in an order.
fn witnesses(
    gives: Gives,
    attack: Attack,
    (norm, eps): (Norm, &str),
    order: &[usize],
    queries: usize,
) -> Vec<Option<Vec<f32>>> {
    let mut victim = Linear::new(gives, &[8]);
    let (x, y) = victim.samples(12, 0.05);
    let points = order.iter().flat_map(|&at| x[at * 8..(at + 1) * 8].to_vec()).collect::<Vec<_>>();
    let labels = order.iter().map(|&at| y[at]).collect::<Vec<_>>();
    let asked = victim.asked.clone();
    let mut arena = Arena::new(&mut victim, budget(norm, eps), &points, &labels, 0, None).unwrap();
    for (case, &at) in arena.cases.iter_mut().zip(order) {
        case.index = at;
    }
    let before = asked.get();
    attack(&mut arena, queries).unwrap();
    assert!(asked.get() - before <= (queries * order.len()) as u64, "{}", asked.get());
    let witness =
        |case: &modelward_lab::arena::Case| case.witness.as_ref().map(|w| w.point.clone());
    arena.cases.iter().map(witness).collect()
}

#[test]
fn each_attack_breaks_a_linear_model_within_its_queries() {
    let order = (0..12).collect::<Vec<_>>();
    let all = [(Gives::Scores, BY_SCORES), (Gives::Labels, BY_LABELS)];
    for (gives, attacks) in all {
        for (name, attack) in attacks {
            // In l2 the nearest wrong point is 0.035 |w|_1 / |w|_2 away, at most 0.035 * sqrt(8).
            for (norm, eps, queries) in
                [(Norm::Linf, "0.06", 1500), (Norm::L2, "0.13", 1500), (Norm::L1, "0.4", 3000)]
            {
                if name == "boundary" && norm != Norm::L2 {
                    continue;
                }
                let found = witnesses(gives, attack, (norm, eps), &order, queries);
                let fallen = found.iter().flatten().count();
                assert_eq!(fallen, 12, "{name} in {norm}");
            }
        }
    }
}

#[test]
fn witnesses_do_not_hang_on_the_order() {
    let order = (0..12).collect::<Vec<_>>();
    let turned = order.iter().rev().copied().collect::<Vec<_>>();
    let all = [(Gives::Scores, BY_SCORES), (Gives::Labels, BY_LABELS)];
    for (gives, attacks) in all {
        for (name, attack) in attacks {
            let norm = (Norm::L2, "0.1");
            let straight = witnesses(gives, attack, norm, &order, 300);
            let mut back = witnesses(gives, attack, norm, &turned, 300);
            back.reverse();
            assert!(straight == back, "{name}");
        }
    }
}

#[test]
fn what_transfers_breaks_a_linear_model() {
    for gives in [Gives::Scores, Gives::Labels] {
        let mut victim = Linear::new(gives, &[8]);
        let (x, y) = victim.samples(60, 0.05);
        let budget = budget(Norm::Linf, "0.06");
        let mut arena = Arena::new(&mut victim, budget, &x, &y, 0, None).unwrap();
        transfer::attack(&mut arena, 1).unwrap();
        let left = arena.standing().len();
        assert!(left <= 3, "{left} of 60 stand");
        assert!(arena.spent.forward <= 60 * 30, "{:?}", arena.spent);
    }
}

#[test]
fn images_are_walked_by_waves() {
    let mut victim = Linear::new(Gives::Scores, &[1, 8, 8]);
    victim.weights = (0..64).map(|at| if at % 8 < 4 { 1.0 } else { -1.0 }).collect();
    victim.bound = 0.0;
    let (x, y) = victim.samples(10, 0.05);
    let budget = budget(Norm::Linf, "0.06");
    let mut arena = Arena::new(&mut victim, budget, &x, &y, 0, None).unwrap();
    simba::walk(&mut arena, 400, 1).unwrap();
    assert_eq!(arena.standing().len(), 0);
}

fn question<'a>(x: &'a [f32], y: &'a [usize], effort: Effort) -> Question<'a> {
    Question {
        rule: Rule::Any,
        samples: x,
        labels: y,
        clean: None,
        budget: budget(Norm::Linf, "0.03"),
        effort,
        targeted: false,
        seed: 0,
        deadline: None,
    }
}

#[test]
fn a_budget_of_queries_is_kept_and_its_end_is_said() {
    for gives in [Gives::Scores, Gives::Labels] {
        for queries in [60, 200, 1000, 5000] {
            let mut victim = Linear::new(gives, &[8]);
            let (x, y) = victim.samples(10, 0.05);
            victim.budget = Some(queries);
            // The victim itself counts, and panics where one too many is sent.
            let effort = Effort::Standard;
            let measured = measure(&mut victim, &question(&x, &y, effort), &|| 0.0).unwrap();
            assert_eq!(measured.cut, Some(OUT_OF_QUERIES), "{queries}");
            assert_eq!(measured.lost, 0);
            assert_eq!(measured.stood + measured.fallen.len(), 10);
        }
    }
    assert_ne!(OUT_OF_TIME, OUT_OF_QUERIES);
}

#[test]
fn a_server_that_goes_ends_the_run_and_what_it_cannot_confirm_does_not_count() {
    for gone in [200, 2000] {
        let mut victim = Linear::new(Gives::Scores, &[8]);
        let (x, y) = victim.samples(10, 0.05);
        victim.gone = gone;
        let question = question(&x, &y, Effort::Standard);
        let measured = measure(&mut victim, &question, &|| 0.0).unwrap();
        assert_eq!(measured.cut, Some(NO_ANSWER), "{gone}");
        assert_eq!((measured.stood, measured.fallen.len()), (10, 0));
    }
}

#[test]
fn what_was_asked_before_is_not_asked_again() {
    let mut victim = Linear::new(Gives::Scores, &[8]);
    let (x, y) = victim.samples(40, 0.05);
    // Enough for the samples as they are, a few of them to see whether answers repeat, and a little.
    (victim.budget, victim.refuses) = (Some(80), true);
    let clean = victim.ask(&x).unwrap();
    assert_eq!(victim.asked.get(), 40);
    let asked = Question { clean: Some(&clean), ..question(&x, &y, Effort::Standard) };
    let measured = measure(&mut victim, &asked, &|| 0.0).unwrap();
    assert_eq!((measured.right, measured.cut), (40, Some(OUT_OF_QUERIES)));
    assert_eq!(measured.reliability(), Reliability::Unknown);
    assert!(victim.asked.get() <= 80);
    // Where not even those few fit there is a report as well.
    let mut victim = Linear::new(Gives::Scores, &[8]);
    (victim.budget, victim.refuses) = (Some(5), true);
    let measured = measure(&mut victim, &asked, &|| 0.0).unwrap();
    assert_eq!((measured.right, measured.stood), (40, 40));
    assert_eq!((measured.cut, victim.asked.get()), (Some(OUT_OF_QUERIES), 0));
}

#[test]
fn a_budget_that_ends_while_witnesses_are_judged_takes_only_those() {
    let mut victim = Linear::new(Gives::Scores, &[8]);
    let (x, y) = victim.samples(10, 0.05);
    victim.alone = 0;
    let asked = Question { budget: budget(Norm::Linf, "0.2"), ..question(&x, &y, Effort::Quick) };
    let measured = measure(&mut victim, &asked, &|| 0.0).unwrap();
    assert_eq!(measured.cut, Some(OUT_OF_QUERIES));
    assert_eq!((measured.stood, measured.fallen.len()), (10, 0));
    assert!(measured.lost > 0);
}

/// A linear model whose answers to every third question are turned round.
struct Moody {
    linear: Linear,
    turn: u64,
}

impl Victim for Moody {
    fn features(&self) -> usize {
        self.linear.features()
    }

    fn shape(&self) -> &[usize] {
        self.linear.shape()
    }

    fn classes(&self) -> usize {
        2
    }

    fn gives(&self) -> Gives {
        self.linear.gives()
    }

    fn left(&self) -> Option<u64> {
        self.linear.left()
    }

    fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
        let mut answers = self.linear.ask(inputs)?;
        self.turn += 1;
        if self.turn.is_multiple_of(3) {
            answers.labels.iter_mut().for_each(|label| *label = 1 - *label);
        }
        Ok(answers)
    }

    fn slope(&mut self, _: Slope<'_>, _: &[f32]) -> Result<Option<Slopes>> {
        Ok(None)
    }
}

#[test]
fn a_random_model_whose_draws_the_budget_does_not_pay_for_is_reported() {
    let mut linear = Linear::new(Gives::Labels, &[8]);
    let (x, y) = linear.samples(40, 0.05);
    (linear.budget, linear.refuses) = (Some(200), true);
    let mut victim = Moody { linear, turn: 0 };
    let clean = victim.ask(&x).unwrap();
    let asked = Question { clean: Some(&clean), ..question(&x, &y, Effort::Quick) };
    // 16 draws of each of 40 samples are 640.
    let measured = measure(&mut victim, &asked, &|| 0.0).unwrap();
    assert_eq!((measured.draws, measured.cut), (1, Some(OUT_OF_QUERIES)));
    assert_eq!((measured.right, measured.stood), (40, 40));
    assert_eq!(measured.reliability(), Reliability::Unreliable);
}

#[test]
fn honest_models_without_a_gradient_are_trusted() {
    for gives in [Gives::Scores, Gives::Labels] {
        let mut victim = Linear::new(gives, &[8]);
        let (x, y) = victim.samples(10, 0.05);
        let measured = measure(&mut victim, &question(&x, &y, Effort::Quick), &|| 0.0).unwrap();
        assert_eq!(measured.cut, None);
        assert_eq!(measured.raised().collect::<Vec<_>>(), Vec::<&_>::new());
        assert_eq!(measured.gives, gives);
        // By 0.7 of 0.05 all can be broken, by 0.03 none.
        assert_eq!((measured.stood, measured.proven), (10, 0));
    }
}

#[test]
fn what_decides_by_itself_is_settled_and_trusted() {
    for (eps, stood) in [("0.0349", 10), ("0.0351", 0)] {
        let mut victim = Linear::new(Gives::Scores, &[8]);
        let (x, y) = victim.samples(10, 0.05);
        victim.decides = true;
        let asked = Question { budget: budget(Norm::Linf, eps), ..question(&x, &y, Effort::Quick) };
        let measured = measure(&mut victim, &asked, &|| 0.0).unwrap();
        assert_eq!((measured.stood, measured.proven, measured.lost), (stood, stood, 0));
        assert_eq!(measured.steps.len(), 1);
        assert!(measured.raised().next().is_none());
    }
}
