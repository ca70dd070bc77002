//! Descents side by side: who goes on, who starts anew and where.

use fastrand::Rng;
use modelward_engine::Result;

use crate::{
    property::{
        case::{Property, margin},
        falsify::{
            goal::{Goal, goals},
            walk::{Rule, Walk},
        },
        network::{Network, Slopes},
    },
    random::stream,
};

/// Steps that a descent goes before the others have their turn.
const TURN: usize = 3;

/// One of so many descents goes on after its turn.
const KEPT: usize = 2;

/// A descent ends after so many steps, or so many without getting nearer.
const MOST_STEPS: usize = 96;
const MOST_IDLE: usize = 12;

/// Steps that are spent to get a witness away from the edge, where its margin is a rounding error.
const DEEPER: usize = 12;

/// With more free inputs than this, the corners of the box are what counts.
const FEW: usize = 16;

/// A margin that further steps may deepen.
const SHALLOW: f64 = 1e-4;

/// Operations of the gradients of one turn's step.
const TURN_WORK: u64 = 150_000_000;

/// A point that violates a property.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The case whose box it lies in: exactly, but for intervals that hold no `f32`.
    pub case: usize,
    /// Inputs.
    pub x: Vec<f32>,
    /// How far the outputs are from being wrong, in output units: at most 0.
    pub margin: f64,
}

pub(super) struct Search<'a, 'm, 'p> {
    network: &'a mut Network<'m>,
    property: &'p Property,
    over: &'a mut dyn FnMut() -> bool,
    random: Rng,
    goals: Vec<Goal<'p>>,
    /// How near each goal was come to, and where.
    nearest: Vec<(f64, Vec<f32>)>,
    walks: Vec<Walk>,
    /// How many go at once.
    rows: usize,
    /// Whether the model rounds or takes signs.
    steps: bool,
    /// What was found, until it is clear that it stands.
    candidate: Option<Witness>,
    started: usize,
    found: Option<Witness>,
}

impl<'a, 'm, 'p> Search<'a, 'm, 'p> {
    pub(super) fn new(
        network: &'a mut Network<'m>,
        property: &'p Property,
        over: &'a mut dyn FnMut() -> bool,
        seed: u64,
    ) -> Result<Self> {
        let goals = goals(property);
        let (work, steps) = (network.work()?.max(1), network.has_steps()?);
        let rows = usize::try_from(TURN_WORK / work).unwrap_or(usize::MAX).clamp(4, 256);
        Ok(Self {
            network,
            property,
            over,
            random: stream(&[seed]),
            nearest: vec![(f64::INFINITY, Vec::new()); goals.len()],
            goals,
            walks: Vec::new(),
            rows,
            steps,
            candidate: None,
            started: 0,
            found: None,
        })
    }

    pub(super) fn run(mut self) -> Result<Option<Witness>> {
        if self.goals.is_empty() {
            return Ok(None);
        }
        // Every goal once from the middle of its box, a few steps.
        let mut first = 0;
        while first < self.goals.len() {
            let last = (first + self.rows).min(self.goals.len());
            let (goals, random, steps) = (&self.goals, &mut self.random, self.steps);
            let walks = (first..last).map(|goal| {
                let space = &goals[goal].space;
                let mut start = space.centre();
                if steps {
                    // Sums of equal inputs may cancel but for their rounding: not in general.
                    start = space.near(&start, 0.1, random);
                }
                Walk::new(goal, Rule::Sign, start, 0.5)
            });
            let mut walks = walks.collect::<Vec<_>>();
            self.advance(&mut walks, 2)?;
            if self.is_done() {
                return Ok(self.found);
            }
            self.walks.append(&mut walks);
            self.walks.sort_by(|one, other| one.far.total_cmp(&other.far));
            self.walks.truncate(self.rows);
            first = last;
        }
        while !self.is_done() {
            self.fill();
            let rest = self.walks.split_off(self.rows.min(self.walks.len()));
            let mut walks = std::mem::replace(&mut self.walks, rest);
            self.advance(&mut walks, TURN)?;
            walks.retain(|walk| walk.steps < MOST_STEPS && walk.idle < MOST_IDLE);
            self.walks.append(&mut walks);
            self.walks.sort_by(|one, other| one.far.total_cmp(&other.far));
            // The better half goes on (successive halving): a start shows early what it is worth.
            self.walks.truncate(self.rows / KEPT);
        }
        Ok(self.found)
    }

    fn is_done(&mut self) -> bool {
        self.found.is_some() || (self.over)()
    }

    /// Start descents where others have ended.
    fn fill(&mut self) {
        let mut order = (0..self.goals.len()).collect::<Vec<_>>();
        order.sort_by(|&one, &other| self.nearest[one].0.total_cmp(&self.nearest[other].0));
        while self.walks.len() < self.rows {
            let number = self.started;
            self.started += 1;
            // Those that are nearest more often, but all now and then.
            let goal = match number % 2 {
                0 => order[(number / 2) % order.len().min(3)],
                _ => (number / 2) % order.len(),
            };
            let space = &self.goals[goal].space;
            let (random, near) = (&mut self.random, &self.nearest[goal].1);
            let wide = space.free.len() > FEW;
            let start = match (number / 2) % 5 {
                1 if near.is_empty() => space.corner(random),
                1 => space.flipped(near, 0.1, random),
                2 if !near.is_empty() => space.near(near, 0.25, random),
                3 if !near.is_empty() => space.near(near, 0.05, random),
                4 if !near.is_empty() => space.flipped(near, 0.2, random),
                _ if (number / 40) % 2 == 1 => space.corner(random),
                _ => space.anywhere(random),
            };
            let (rule, step) = match (number / 10) % 4 {
                0 => (Rule::Sign, 0.5),
                2 => (Rule::Sign, 0.1),
                _ if wide => (Rule::Sign, 0.5),
                1 => (Rule::Polyak, 1.1),
                _ => (Rule::Polyak, 1.8),
            };
            self.walks.push(Walk::new(goal, rule, start, step));
        }
    }

    /// Let descents go some steps side by side.
    fn advance(&mut self, walks: &mut [Walk], steps: usize) -> Result<()> {
        for _ in 0..steps {
            if self.is_done() {
                return Ok(());
            }
            self.step(walks)?;
            if self.candidate.is_some() {
                self.confirm(walks)?;
            }
        }
        Ok(())
    }

    /// Get away from the edge, where a margin is a rounding error, and take what is wrong in double
    /// precision too: what is wrong by a rounding alone is not wrong in the next runtime.
    fn confirm(&mut self, walks: &mut [Walk]) -> Result<()> {
        for _ in 0..DEEPER {
            let shallow = self.candidate.as_ref().is_some_and(|one| one.margin > -SHALLOW);
            if !shallow || (self.over)() {
                break;
            }
            self.step(walks)?;
        }
        let Some(mut candidate) = self.candidate.take() else { return Ok(()) };
        // What a gradient's graph gives may be off by what gives signs a slope: the model itself
        // has the last word.
        let outputs = self.network.outputs(&candidate.x)?;
        candidate.margin = self.least(candidate.case, &outputs);
        let precise = self.network.precise(&candidate.x);
        let stands = precise.is_none_or(|outputs| self.least(candidate.case, &outputs) <= 0.0);
        if stands && candidate.margin <= 0.0 {
            self.found = Some(candidate);
        }
        Ok(())
    }

    fn step(&mut self, walks: &mut [Walk]) -> Result<()> {
        let rows = walks.iter().flat_map(|walk| walk.point.iter().copied()).collect::<Vec<_>>();
        let outputs = self.property.outputs;
        // Which of several halfspaces is the worst shows only once the outputs are there.
        let single = walks.iter().all(|walk| self.goals[walk.goal].wrong.len() == 1);
        let mut worst = vec![0; walks.len()];
        if !single {
            let given = self.network.outputs(&rows)?;
            for ((walk, outputs), worst) in walks.iter().zip(given.chunks(outputs)).zip(&mut worst)
            {
                *worst = self.goals[walk.goal].worst(outputs).0;
            }
        }
        let mut seeds = Vec::with_capacity(walks.len() * outputs);
        for (walk, &worst) in walks.iter().zip(&worst) {
            self.goals[walk.goal].seed(worst, &mut seeds);
        }
        let Slopes { outputs: given, guide, gradients } = self.network.slopes(&rows, &seeds)?;
        let width = self.property.inputs;
        for (at, walk) in walks.iter_mut().enumerate() {
            let goal = &self.goals[walk.goal];
            let given = &given[at * outputs..(at + 1) * outputs];
            let guided =
                if goal.compares() { &guide[at * outputs..(at + 1) * outputs] } else { given };
            self.look(walk.goal, &rows[at * width..(at + 1) * width], given);
            let goal = &self.goals[walk.goal];
            let far = goal.worst(guided).1;
            let nearest = &mut self.nearest[walk.goal];
            if far < nearest.0 {
                *nearest = (far, walk.point.clone());
            }
            walk.go(&goal.space, far, &gradients[at * width..(at + 1) * width]);
        }
        Ok(())
    }

    /// Whether outputs are wrong in any way that the case of a goal has.
    fn look(&mut self, goal: usize, point: &[f32], outputs: &[f64]) {
        let case = self.goals[goal].case;
        let least = self.least(case, outputs);
        let better = self.candidate.as_ref().is_none_or(|known| least < known.margin);
        if least <= 0.0 && better {
            self.candidate = Some(Witness { case, x: point.to_vec(), margin: least });
        }
    }

    /// The least margin of all that is wrong in a case.
    fn least(&self, case: usize, outputs: &[f64]) -> f64 {
        let margins = self.property.cases[case].wrong.iter().map(|wrong| margin(wrong, outputs));
        margins.min_by(f64::total_cmp).unwrap_or(f64::INFINITY)
    }
}
