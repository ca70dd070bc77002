//! Descents side by side: who goes on, who starts anew and where.

use modelward_engine::Result;

use crate::property::{
    case::{Property, margin},
    falsify::{
        goal::{Goal, goals},
        random::Random,
        walk::{Rule, Walk},
    },
    network::{Network, Slopes},
};

/// Steps that a descent goes before the others have their turn.
const TURN: usize = 6;

/// A descent ends after so many steps, or so many without getting nearer.
const MOST_STEPS: usize = 96;
const MOST_IDLE: usize = 20;

/// Steps that are spent to get a witness away from the edge, where its margin is a rounding error.
const DEEPER: usize = 12;

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
    random: Random,
    goals: Vec<Goal<'p>>,
    /// How near each goal was come to, and where.
    nearest: Vec<(f64, Vec<f32>)>,
    walks: Vec<Walk>,
    /// How many go at once.
    rows: usize,
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
        let work = network.work()?.max(1);
        let rows = usize::try_from(TURN_WORK / work).unwrap_or(usize::MAX).clamp(4, 64);
        Ok(Self {
            network,
            property,
            over,
            random: Random::new(seed),
            nearest: vec![(f64::INFINITY, Vec::new()); goals.len()],
            goals,
            walks: Vec::new(),
            rows,
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
            let walks = (first..last).map(|goal| {
                Walk::new(goal, Rule::Sign, self.goals[goal].space.centre(), 0.5)
            });
            let mut walks = walks.collect::<Vec<_>>();
            self.advance(&mut walks, 2)?;
            if self.is_done() {
                return Ok(self.found);
            }
            self.walks.append(&mut walks);
            self.walks.sort_by(|one, other| one.far.total_cmp(&other.far));
            self.walks.truncate(self.rows * 4);
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
            let start = match (number / 2) % 5 {
                1 => space.corner(random),
                2 if !near.is_empty() => space.near(near, 0.25, random),
                3 if !near.is_empty() => space.near(near, 0.05, random),
                _ => space.anywhere(random),
            };
            let (rule, step) = match (number / 10) % 4 {
                0 => (Rule::Sign, 0.5),
                1 => (Rule::Polyak, 1.1),
                2 => (Rule::Sign, 0.1),
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
            for ((walk, outputs), worst) in walks.iter().zip(given.chunks(outputs)).zip(&mut worst) {
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
            let guided = if goal.compares() { &guide[at * outputs..(at + 1) * outputs] } else { given };
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
        let margins = self.property.cases[case].wrong.iter().map(|wrong| margin(wrong, outputs));
        let least = margins.min_by(f64::total_cmp).unwrap_or(f64::INFINITY);
        let better = self.found.as_ref().is_none_or(|found| least < found.margin);
        if least <= 0.0 && better {
            self.found = Some(Witness { case, x: point.to_vec(), margin: least });
        }
    }
}
