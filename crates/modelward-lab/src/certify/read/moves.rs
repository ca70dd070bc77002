//! What moves values without changing them.

use std::sync::Arc;

use modelward_engine::{Element, Result, Tensor, Trouble, exec::evaluate, graph::Node};

use crate::certify::{build::Held, map::Map, read::Reader};

impl Reader<'_> {
    /// A node that only moves elements: it is run on their numbers, twice. What changes from one run
    /// to the other is the element that has that number, what does not is a constant.
    pub(super) fn moved(&mut self, node: &Node) -> Result<()> {
        let mut sources = Vec::new();
        let mut offset = 1;
        for (input, id) in node.inputs.iter().enumerate() {
            if let Some(id) = id
                && self.held.contains_key(id)
            {
                let (held, dims) = (self.live(node, input)?, self.dims(node, input)?);
                sources.push((*id, held, dims, offset));
                offset += self.builder.size(held.layer);
            }
        }
        if offset * 2 >= 1 << 24 {
            return Err(Trouble::unsupported("it moves too many elements"));
        }
        let single = self.graph.single(node);
        let run = |shift: usize| -> Result<Vec<Arc<Tensor>>> {
            let mut inputs = Vec::new();
            for (id, held, dims, offset) in &sources {
                let first = offset + shift;
                let numbers = (first..first + self.builder.size(held.layer)).map(|at| at as f32);
                let tensor = Tensor::new(dims.clone(), numbers.collect::<Vec<_>>())?;
                if inputs.iter().all(|(known, _)| known != id) {
                    inputs.push((*id, Arc::new(tensor)));
                }
            }
            for (input, id) in node.inputs.iter().enumerate() {
                if let Some(id) = id
                    && !self.held.contains_key(id)
                    && let Some(tensor) = self.constant(node, input)?
                {
                    inputs.push((*id, tensor));
                }
            }
            evaluate(&single, &inputs, self.meter)
        };
        let (first, second) = (run(0)?, run(offset)?);
        for ((id, first), second) in node.outputs.iter().zip(first).zip(second) {
            if first.element() != Element::F32 {
                return Err(Trouble::unsupported("bounds are for values of F32"));
            }
            let numbers = first.values::<f32>()?.iter().zip(second.values::<f32>()?);
            let numbers = numbers.map(|(first, second)| (*first, first != second));
            let numbers = numbers.collect::<Vec<_>>();
            let identity = numbers.iter().enumerate();
            let mut identity = identity.map(|(at, number)| *number == ((at + 1) as f32, true));
            if let [(_, held, ..)] = sources[..]
                && numbers.len() == self.builder.size(held.layer)
                && identity.all(|same| same)
            {
                self.put(Some(*id), held)?;
                continue;
            }
            let constants = numbers.iter().map(|(value, moved)| match moved {
                true => 0.0,
                false => f64::from(*value),
            });
            let constants = constants.collect::<Vec<_>>();
            if constants.iter().any(|value| !value.is_finite()) {
                return Err(Trouble::unsupported("it puts in numbers that are not finite"));
            }
            let mut terms: Vec<(usize, Map)> = Vec::new();
            for (_, held, _, offset) in &sources {
                let size = self.builder.size(held.layer);
                let rows = numbers.iter().map(|(value, moved)| {
                    let at = (*value as usize).checked_sub(*offset).filter(|at| *at < size);
                    at.filter(|_| *moved).map(|at| (at, 1.0)).into_iter().collect()
                });
                terms.push((held.layer, Map::sparse(size, rows)));
            }
            let layer = self.builder.affine(terms, constants, true)?;
            self.put(Some(*id), Held { layer, alone: false })?;
        }
        Ok(())
    }
}
