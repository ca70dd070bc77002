//! Functions that are linear in pieces, by `max(0, x)`.

use modelward_engine::{Result, Trouble, graph::Node};

use crate::certify::{
    build::Held,
    curve::Curve,
    map::Map,
    read::{Reader, linear::broadcast},
};

impl Reader<'_> {
    /// One of them.
    pub(super) fn in_pieces(&mut self, node: &Node) -> Result<()> {
        let shape = self.shape(node, 0)?;
        let count = shape.iter().product::<usize>();
        let layer = match node.operator.name {
            "Max" | "Min" => self.extreme(node, &shape)?,
            name => {
                let from = self.live(node, 0)?.layer;
                if self.builder.size(from) != count {
                    return Err(Trouble::unsupported("its input is broadcast"));
                }
                match name {
                    "Abs" => {
                        let bent = self.builder.curve(from, Curve::Relu)?;
                        self.mixed(
                            &[(from, vec![-1.0; count]), (bent, vec![2.0; count])],
                            vec![0.0; count],
                            true,
                        )?
                    }
                    "LeakyRelu" | "PRelu" => {
                        let slopes = if name == "PRelu" {
                            let (slopes, dims) = self.numbers(node, 1)?.unwrap_or_default();
                            broadcast(&dims, &shape)?.into_iter().map(|at| slopes[at]).collect()
                        } else {
                            vec![f64::from(node.attributes.float_or("alpha", 0.01)?); count]
                        };
                        let bent = self.builder.curve(from, Curve::Relu)?;
                        let rest = slopes.iter().map(|slope| 1.0 - slope).collect();
                        self.mixed(&[(from, slopes), (bent, rest)], vec![0.0; count], false)?
                    }
                    "HardSigmoid" => {
                        let alpha = f64::from(node.attributes.float_or("alpha", 0.2)?);
                        let beta = f64::from(node.attributes.float_or("beta", 0.5)?);
                        let held = Held { layer: from, alone: false };
                        let factors = Some(vec![alpha; count]);
                        let shifts = vec![beta; count];
                        let line = self.builder.scaled(
                            held,
                            factors,
                            &shifts,
                            &vec![beta.abs(); count],
                            1,
                        )?;
                        self.between(line, Some(0.0), Some(1.0))?
                    }
                    _ => {
                        let bound = |input: usize| -> Result<Option<f64>> {
                            let Some(tensor) = self.constant(node, input)? else { return Ok(None) };
                            let value = tensor.floats()?.first().copied();
                            Ok(value.filter(|value| value.abs() < f64::from(f32::MAX)))
                        };
                        let (low, high) = (bound(1)?, bound(2)?);
                        if low.zip(high).is_some_and(|(low, high)| low > high) {
                            return Err(Trouble::unsupported("its bounds are crossed"));
                        }
                        self.between(from, low, high)?
                    }
                }
            }
        };
        self.give(node, layer)
    }

    /// The largest element of each group, which are not empty: two by two.
    pub(super) fn largest_of(&mut self, from: usize, groups: Vec<Vec<usize>>) -> Result<usize> {
        if groups.iter().any(Vec::is_empty) {
            return Err(Trouble::unsupported("a window without elements"));
        }
        let (mut at, mut groups) = (from, groups);
        loop {
            let size = self.builder.size(at);
            let pairs = groups.iter().flat_map(|group| group.chunks_exact(2));
            let pairs = pairs.map(|pair| vec![(pair[0], 1.0), (pair[1], -1.0)]).collect::<Vec<_>>();
            let longest = groups.iter().map(Vec::len).max().unwrap_or(1);
            let kept = groups.iter().flat_map(|group| group.chunks(2));
            let kept = kept.map(|pair| pair.to_vec()).collect::<Vec<_>>();
            let count = kept.len();
            let mut terms = Vec::new();
            if longest > 1 {
                let zeros = vec![0.0; pairs.len()];
                let map = Map::sparse(size, pairs.into_iter());
                let differences = self.builder.affine(vec![(at, map)], zeros, true)?;
                let bent = self.builder.curve(differences, Curve::Relu)?;
                let mut next = 0;
                let rows = kept.iter().map(|pair| {
                    let row = if pair.len() == 2 { vec![(next, 1.0)] } else { vec![] };
                    next += row.len();
                    row
                });
                let rows = rows.collect::<Vec<_>>();
                terms.push((bent, Map::sparse(self.builder.size(bent), rows.into_iter())));
            }
            let last =
                kept.iter().map(|pair| pair.last().map(|at| (*at, 1.0)).into_iter().collect());
            terms.push((at, Map::sparse(size, last)));
            at = self.builder.affine(terms, vec![0.0; count], true)?;
            let mut next = 0;
            for group in &mut groups {
                let left = group.len().div_ceil(2);
                *group = (next..next + left).collect();
                next += left;
            }
            if longest <= 2 {
                return Ok(at);
            }
        }
    }

    /// A value kept between two bounds.
    fn between(&mut self, from: usize, low: Option<f64>, high: Option<f64>) -> Result<usize> {
        let count = self.builder.size(from);
        let mut at = from;
        for (bound, sign) in [(low, 1.0), (high, -1.0)] {
            let Some(bound) = bound else { continue };
            // max(x, low) = low + max(0, x - low); min(x, high) = high - max(0, high - x).
            let shift = vec![-sign * bound; count];
            let moved = self.mixed(&[(at, vec![sign; count])], shift, true)?;
            let bent = self.builder.curve(moved, Curve::Relu)?;
            at = self.mixed(&[(bent, vec![sign; count])], vec![bound; count], true)?;
        }
        Ok(at)
    }

    /// The larger or the smaller of two values, element by element.
    fn extreme(&mut self, node: &Node, shape: &[usize]) -> Result<usize> {
        let count = shape.iter().product::<usize>();
        let sign = if node.operator.name == "Max" { 1.0 } else { -1.0 };
        let mut so_far: Option<Operand> = None;
        for input in 0..node.inputs.len() {
            let next = if self.is_live(node, input) {
                let places = broadcast(&self.dims(node, input)?, shape)?;
                let from = self.live(node, input)?.layer;
                Operand { terms: vec![(from, places)], shift: vec![0.0; count] }
            } else {
                let (numbers, dims) = self.numbers(node, input)?.unwrap_or_default();
                let places = broadcast(&dims, shape)?;
                let shift = places.into_iter().map(|at| numbers[at]).collect();
                Operand { terms: Vec::new(), shift }
            };
            so_far = Some(match so_far {
                None => next,
                // max(a, b) = b + max(0, a - b); min(a, b) = b - max(0, b - a).
                Some(first) => {
                    let mut terms = self.maps(&first, sign);
                    terms.extend(self.maps(&next, -sign));
                    let shift = first.shift.iter().zip(&next.shift).map(|(a, b)| sign * (a - b));
                    let moved = self.builder.affine(terms, shift.collect(), true)?;
                    let bent = self.builder.curve(moved, Curve::Relu)?;
                    let mut terms = self.maps(&next, 1.0);
                    let rows = (0..count).map(|at| vec![(at, sign)]);
                    terms.push((bent, Map::sparse(count, rows)));
                    let layer = self.builder.affine(terms, next.shift, true)?;
                    Operand { terms: vec![(layer, (0..count).collect())], shift: vec![0.0; count] }
                }
            });
        }
        match so_far.as_ref().and_then(|operand| operand.terms.first()) {
            Some((layer, _)) if self.builder.size(*layer) == count => Ok(*layer),
            _ => Err(Trouble::unsupported("its input is broadcast")),
        }
    }

    fn maps(&self, operand: &Operand, sign: f64) -> Vec<(usize, Map)> {
        let of = |(from, places): &(usize, Vec<usize>)| {
            let rows = places.iter().map(|at| vec![(*at, sign)]);
            (*from, Map::sparse(self.builder.size(*from), rows))
        };
        operand.terms.iter().map(of).collect()
    }

    /// Weighted sums of values, element by element.
    fn mixed(
        &mut self,
        parts: &[(usize, Vec<f64>)],
        shift: Vec<f64>,
        exact: bool,
    ) -> Result<usize> {
        let terms = parts.iter().map(|(from, weights)| {
            let rows = weights.iter().enumerate().map(|(at, weight)| vec![(at, *weight)]);
            (*from, Map::sparse(weights.len(), rows))
        });
        self.builder.affine(terms.collect(), shift, exact)
    }
}

/// A value, or a constant, of one element a place.
struct Operand {
    terms: Vec<(usize, Vec<usize>)>,
    shift: Vec<f64>,
}
