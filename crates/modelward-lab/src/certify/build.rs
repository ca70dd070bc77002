//! Putting a network together, layer by layer.

use std::sync::Arc;

use modelward_engine::{Result, Trouble, exec::Cpu, exec::size};

use crate::certify::{
    curve::Curve,
    map::Map,
    network::{Affine, Ending, Kind, Layer, Network},
};

/// A value of the model: the layer that holds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// The layer.
    pub(super) layer: usize,
    /// Whether nothing else reads it, so that it may be changed in place.
    pub(super) alone: bool,
}

/// A network that is being built.
#[derive(Debug)]
pub(super) struct Builder {
    layers: Vec<Layer>,
    cpu: Cpu,
    /// Bytes that are left for it.
    left: u64,
}

impl Builder {
    /// An empty one of so many bytes at most.
    pub(super) fn new(cpu: Cpu, memory: u64) -> Self {
        Self { layers: Vec::new(), cpu, left: memory }
    }

    /// Take memory.
    ///
    /// # Errors
    /// Where there is not so much left.
    pub(super) fn take(&mut self, bytes: u64) -> Result<()> {
        let over = || {
            Trouble::limit(format!(
                "the layers that bounds are taken of need {} more than the limit leaves",
                size(bytes)
            ))
        };
        self.left = self.left.checked_sub(bytes).ok_or_else(over)?;
        Ok(())
    }

    /// The first layer.
    pub(super) fn input(&mut self, size: usize) -> Result<usize> {
        self.push(size, Kind::Input)
    }

    /// How many values a layer has.
    pub(super) fn size(&self, layer: usize) -> usize {
        self.layers[layer].size
    }

    /// A curve of a layer.
    pub(super) fn curve(&mut self, from: usize, curve: Curve) -> Result<usize> {
        self.push(self.size(from), Kind::Curve { from, curve })
    }

    /// Sums of weighted values of layers; `exact` where the deployed network does not round there.
    pub(super) fn affine(
        &mut self,
        terms: Vec<(usize, Map)>,
        bias: Vec<f64>,
        exact: bool,
    ) -> Result<usize> {
        for (from, map) in &terms {
            if map.columns() != self.size(*from) || map.rows() != bias.len() {
                return Err(Trouble::unsupported("sizes of its operands do not fit together"));
            }
        }
        self.take(terms.iter().map(|(_, map)| map.bytes()).sum())?;
        // One for the bias, and some for factors before and after.
        let operations = terms.iter().map(|(_, map)| map.terms()).sum::<usize>() + 4;
        let magnitude = bias.iter().map(|bias| bias.abs()).collect();
        let size = bias.len();
        let affine = Affine { terms, bias, magnitude, operations, exact };
        self.push(size, Kind::Affine(affine))
    }

    /// A value times one factor an element, plus one number; a factor may come of so many roundings.
    pub(super) fn scaled(
        &mut self,
        held: Held,
        factors: Option<Vec<f64>>,
        shifts: &[f64],
        magnitudes: &[f64],
        operations: usize,
    ) -> Result<usize> {
        let sizes =
            [shifts.len(), magnitudes.len(), factors.as_ref().map_or(shifts.len(), Vec::len)];
        if sizes != [self.size(held.layer); 3] {
            return Err(Trouble::unsupported("sizes of its operands do not fit together"));
        }
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        if !finite(shifts) || !factors.as_deref().is_none_or(finite) {
            return Err(Trouble::unsupported("one of its factors is not finite"));
        }
        if held.alone
            && let Some(Layer { kind: Kind::Affine(affine), .. }) = self.layers.get_mut(held.layer)
            && !affine.exact
            && factors
                .as_ref()
                .is_none_or(|factors| affine.terms.iter().all(|(_, map)| map.can_scale(factors)))
        {
            if let Some(factors) = factors {
                for (_, map) in &mut affine.terms {
                    map.scale(&factors);
                }
                for (at, factor) in factors.iter().enumerate() {
                    affine.bias[at] *= factor;
                    affine.magnitude[at] *= factor.abs();
                }
            }
            for at in 0..shifts.len() {
                affine.bias[at] += shifts[at];
                affine.magnitude[at] += magnitudes[at];
            }
            affine.operations += operations;
            return Ok(held.layer);
        }
        let count = shifts.len();
        let map = match factors {
            None => Map::identity(count),
            Some(factors) => {
                let rows = factors.into_iter().enumerate();
                Map::sparse(count, rows.map(|(at, factor)| vec![(at, factor)]))
            }
        };
        let layer = self.affine(vec![(held.layer, map)], shifts.to_vec(), false)?;
        if let Kind::Affine(affine) = &mut self.layers[layer].kind {
            affine.magnitude = magnitudes.to_vec();
            affine.operations += operations;
        }
        Ok(layer)
    }

    /// The network.
    pub(super) fn finish(self, output: usize, ending: Ending) -> Network {
        Network { layers: Arc::new(self.layers), output, ending, cpu: self.cpu }
    }

    fn push(&mut self, size: usize, kind: Kind) -> Result<usize> {
        // Its bounds, lines and errors, for a few boxes.
        self.take((size as u64).saturating_mul(256))?;
        self.layers.push(Layer { size, kind });
        Ok(self.layers.len() - 1)
    }
}
