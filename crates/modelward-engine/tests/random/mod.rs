//! Random graphs of differentiable operators, grown step by step in the form of an operator set.

#![allow(dead_code, unreachable_pub, missing_debug_implementations, reason = "tests use a part")]

mod elements;
mod layers;
mod moves;
mod windows;

use std::{collections::BTreeSet, sync::Arc};

use modelward_engine::{Element, Limits, Tensor, npz::Arrays};

use crate::nodes::{Case, Value, random};

/// A step of a graph: its operator, the operator set it is in from, and how it is written. It gives
/// the values that it makes.
pub type Step = (&'static str, u64, fn(&mut Graph) -> Vec<String>);

/// Every step.
pub fn steps() -> impl Iterator<Item = &'static Step> {
    [elements::STEPS, layers::STEPS, moves::STEPS, windows::STEPS].into_iter().flatten()
}

/// A graph that grows. Floats are of 64 bits; constants whose names begin with `w` are weights.
pub struct Graph {
    pub case: Case,
    pub opset: u64,
    pub dice: Dice,
    /// What can be read, with what it is for the inputs given.
    pub values: Vec<(String, Arc<Tensor>)>,
    /// Operators of the graph.
    pub drawn: BTreeSet<&'static str>,
    names: usize,
}

/// A value that a step reads.
pub struct Read {
    pub name: String,
    pub dims: Vec<usize>,
}

impl Graph {
    /// A graph of at most so many steps. The same seed with fewer steps gives its beginning.
    pub fn random(seed: u64, most: usize) -> Self {
        let mut dice = Dice::new(seed);
        let opset = 9 + dice.roll(16) as u64;
        let mut graph = Self {
            case: Case::new(opset),
            opset,
            dice,
            values: Vec::new(),
            drawn: BTreeSet::new(),
            names: 0,
        };
        let shapes: [&[usize]; 8] = [
            &[2, 3, 4, 4],
            &[1, 4, 5, 3],
            &[2, 2, 3],
            &[3, 6],
            &[4, 4],
            &[2, 4, 2, 3],
            &[5],
            &[1, 2, 2, 3, 2],
        ];
        for name in ["x", "z"] {
            let dims = graph.dice.pick(&shapes);
            let value = random(dims, graph.dice.seed());
            graph.case = std::mem::take(&mut graph.case).input(name, value.clone());
            graph.values.push((name.into(), Arc::new(value)));
        }
        let count = 1 + graph.dice.roll(8);
        graph.grow(count.min(most));
        graph.lead_out();
        graph
    }

    /// Take so many steps more.
    pub fn grow(&mut self, steps: usize) {
        let all = self::steps().filter(|(_, since, _)| *since <= self.opset).collect::<Vec<_>>();
        for _ in 0..steps {
            let (operator, _, write) = self.dice.pick(&all);
            self.step(operator, *write);
        }
    }

    /// Take a step, unless its numbers grow too large to be compared.
    fn step(&mut self, operator: &'static str, write: fn(&mut Self) -> Vec<String>) {
        const ELEMENTS: usize = 300;
        const LARGEST: f64 = 30.0;
        let before = (self.case.clone(), self.drawn.clone());
        let made = write(self);
        let made = made.iter().map(String::as_str).collect::<Vec<_>>();
        self.case.leads_out(&made);
        let (model, limits) = (self.case.model(false), Limits::default());
        let fed = model.feed(&self.case.arrays()).unwrap();
        let outputs = model.run(&fed, &limits);
        let outputs = outputs.unwrap_or_else(|why| panic!("{operator} {}: {why}", self.opset));
        let small = |tensor: &Tensor| {
            let values = tensor.floats().unwrap();
            (1..=ELEMENTS).contains(&values.len()) && values.iter().all(|x| x.abs() <= LARGEST)
        };
        if outputs.values().all(|tensor| tensor.element() == Element::F64 && small(tensor)) {
            self.drawn.insert(operator);
            let take = |name: &&str| ((*name).to_owned(), outputs[*name].clone());
            self.values.extend(made.iter().map(take));
        } else {
            (self.case, self.drawn) = before;
        }
    }

    /// Forget all values but the last, so that what comes goes through it; gives its name.
    pub fn narrow(&mut self) -> String {
        let last = self.values.split_off(self.values.len() - 1);
        self.values = last;
        self.values[0].0.clone()
    }

    /// Let the last value lead out, and some others.
    fn lead_out(&mut self) {
        let mut names = Vec::new();
        for (at, (name, _)) in self.values.iter().enumerate() {
            let last = at + 1 == self.values.len();
            if last || at > 1 && self.dice.roll(3) == 0 {
                names.push(&**name);
            }
        }
        self.case.leads_out(&names);
    }

    /// Inputs and weights, by name.
    pub fn wanted(&self) -> Vec<String> {
        let names = self.case.tensors().map(|(name, _)| name);
        names.filter(|name| !name.starts_with('k')).map(str::to_owned).collect()
    }

    /// What leads out, by name.
    pub fn outputs(&self) -> Arrays {
        let model = self.case.model(false);
        model.run(&model.feed(&self.case.arrays()).unwrap(), &Limits::default()).unwrap()
    }

    fn name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{kind}{}", self.names)
    }

    /// A node of one output.
    pub fn put(
        &mut self,
        operator: &'static str,
        inputs: &[&str],
        attributes: &[(&str, Value)],
    ) -> String {
        self.put_all(operator, inputs, 1, attributes).remove(0)
    }

    /// A node of several outputs.
    pub fn put_all(
        &mut self,
        operator: &'static str,
        inputs: &[&str],
        outputs: usize,
        attributes: &[(&str, Value)],
    ) -> Vec<String> {
        let outputs = (0..outputs).map(|_| self.name("v")).collect::<Vec<_>>();
        let names = outputs.iter().map(String::as_str).collect::<Vec<_>>();
        self.case.inner(operator, inputs, &names, attributes);
        self.drawn.insert(operator);
        outputs
    }

    /// A weight.
    pub fn weight(&mut self, dims: &[usize]) -> String {
        let value = random(dims, self.dice.seed());
        self.named_constant("w", value)
    }

    /// A weight of numbers from 0.5 to 1.5.
    pub fn positive_weight(&mut self, dims: &[usize]) -> String {
        let value = random(dims, self.dice.seed());
        let values = value.floats().unwrap().iter().map(|x| 1.0 + x / 2.0).collect::<Vec<_>>();
        self.named_constant("w", Tensor::new(dims, values).unwrap())
    }

    /// A constant that no gradient is taken by.
    pub fn constant(&mut self, value: Tensor) -> String {
        self.named_constant("k", value)
    }

    fn named_constant(&mut self, kind: &str, value: Tensor) -> String {
        let name = self.name(kind);
        self.case = std::mem::take(&mut self.case).constant(&name, value);
        name
    }

    /// Whole numbers as a constant.
    pub fn ints(&mut self, values: &[i64]) -> String {
        self.constant(Tensor::list(values.to_vec()))
    }

    /// A float as a constant.
    pub fn float(&mut self, value: f64) -> String {
        self.constant(Tensor::scalar(value))
    }

    /// One of the values, a late one more often.
    pub fn any(&mut self) -> Read {
        let count = self.values.len();
        let at = if self.dice.coin() { count - 1 } else { self.dice.roll(count) };
        let (name, tensor) = &self.values[at];
        Read { name: name.clone(), dims: tensor.dims().to_vec() }
    }

    /// One of the values with so many dimensions, reshaped where it has others.
    pub fn of_rank(&mut self, rank: usize) -> Read {
        let ranked = self.values.iter().filter(|(_, tensor)| tensor.dims().len() == rank);
        let ranked = ranked.cloned().collect::<Vec<_>>();
        if !ranked.is_empty() && self.dice.roll(4) > 0 {
            let at = self.dice.roll(ranked.len());
            let (name, tensor) = &ranked[at];
            return Read { name: name.clone(), dims: tensor.dims().to_vec() };
        }
        let from = self.any();
        if from.dims.len() == rank {
            return from;
        }
        let mut dims = vec![1; rank];
        let mut left = from.dims.iter().product::<usize>();
        let mut factor = 2;
        while left > 1 {
            if left.is_multiple_of(factor) {
                left /= factor;
                dims[self.dice.roll(rank)] *= factor;
            } else {
                factor += 1;
            }
        }
        let shape = self.ints(&dims.iter().map(|&size| size as i64).collect::<Vec<_>>());
        Read { name: self.put("Reshape", &[&from.name, &shape], &[]), dims }
    }

    /// One of the values with at least one dimension, and an axis of it, counted from either end.
    pub fn with_axis(&mut self) -> (Read, usize, i64) {
        let mut read = self.any();
        if read.dims.is_empty() {
            read = self.of_rank(1);
        }
        let rank = read.dims.len();
        let axis = self.dice.roll(rank);
        let written = self.axis(axis, rank);
        (read, axis, written)
    }

    /// An axis as a file writes it: from the end only where the set knows that.
    pub fn axis(&mut self, axis: usize, rank: usize) -> i64 {
        match self.opset >= 11 && self.dice.coin() {
            true => axis as i64 - rank as i64,
            false => axis as i64,
        }
    }

    /// A value brought between -0.9 and 0.9.
    pub fn within_one(&mut self, from: &str) -> String {
        let factor = self.float(0.9);
        let squashed = self.put("Tanh", &[from], &[]);
        self.put("Mul", &[&squashed, &factor], &[])
    }

    /// The square of a value and a little more.
    pub fn above(&mut self, from: &str, least: f64) -> String {
        let least = self.float(least);
        let square = self.put("Mul", &[from, from], &[]);
        self.put("Add", &[&square, &least], &[])
    }

    /// Something that broadcasts with a value: another one, or a weight.
    pub fn beside(&mut self, read: &Read) -> String {
        let fits = |dims: &[usize]| {
            let pairs = dims.iter().rev().zip(read.dims.iter().rev());
            pairs.into_iter().all(|(a, b)| a == b || *a == 1 || *b == 1)
        };
        let fitting = self.values.iter().filter(|(_, tensor)| fits(tensor.dims()));
        let fitting = fitting.map(|(name, _)| name.clone()).collect::<Vec<_>>();
        if !fitting.is_empty() && self.dice.coin() {
            let at = self.dice.roll(fitting.len());
            return fitting[at].clone();
        }
        let dims = self.smaller(&read.dims);
        self.weight(&dims)
    }

    /// A shape that broadcasts to another.
    pub fn smaller(&mut self, dims: &[usize]) -> Vec<usize> {
        let skipped = self.dice.roll(dims.len() + 1);
        let kept = dims[skipped..].iter();
        kept.map(|&size| if self.dice.roll(3) == 0 { 1 } else { size }).collect()
    }
}

/// Numbers that look random, the same each time.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        // Seeds one apart lie far apart (splitmix64, Steele 2014).
        let mut mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((mixed ^ mixed >> 31) | 1)
    }

    pub fn seed(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    /// Below a number.
    pub fn roll(&mut self, most: usize) -> usize {
        (self.seed() >> 9) as usize % most
    }

    pub fn coin(&mut self) -> bool {
        self.roll(2) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }

    /// Whole numbers in some order.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order = (0..count).collect::<Vec<_>>();
        for at in (1..count).rev() {
            order.swap(at, self.roll(at + 1));
        }
        order
    }
}
