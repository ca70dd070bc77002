//! What the pieces of a batch give, put together: parts one behind the other, sums in a fixed binary
//! tree, so that neither depends on which thread was first.

use std::collections::{BTreeMap, HashMap};

use crate::{
    Data, Result, Tensor, Trouble, alike, exec::roles::Role, graph::ops::elementwise::like,
    tensor::count,
};

/// What the pieces gave so far.
pub(super) struct Given {
    roles: Vec<Role>,
    /// What goes example by example, by piece.
    parts: BTreeMap<usize, Vec<Tensor>>,
    /// Sums that wait for their neighbour: by level of the tree and place in it.
    sums: HashMap<(u32, usize), Vec<Tensor>>,
}

impl Given {
    /// Nothing yet, of outputs of these roles.
    pub(super) fn new(roles: &[Role]) -> Self {
        Self { roles: roles.to_vec(), parts: BTreeMap::new(), sums: HashMap::new() }
    }

    /// Take in what a piece gave.
    pub(super) fn take(&mut self, piece: usize, part: Vec<Tensor>) -> Result<()> {
        let (mut sums, mut parts) = (Vec::new(), Vec::new());
        for (tensor, role) in part.into_iter().zip(&self.roles) {
            if *role == Role::Sum { sums.push(tensor) } else { parts.push(tensor) }
        }
        self.parts.insert(piece, parts);
        if sums.is_empty() {
            return Ok(());
        }
        // Neighbours are added as soon as both are there: a few sums wait, whatever the batch.
        let (mut level, mut place, mut sum) = (0, piece, sums);
        while let Some(other) = self.sums.remove(&(level, place ^ 1)) {
            let (left, right) = if place & 1 == 0 { (sum, other) } else { (other, sum) };
            sum = left.into_iter().zip(&right).map(|(a, b)| add(a, b)).collect::<Result<_>>()?;
            (level, place) = (level + 1, place >> 1);
        }
        self.sums.insert((level, place), sum);
        Ok(())
    }

    /// Put everything together.
    pub(super) fn finish(mut self, examples: usize) -> Result<Vec<Tensor>> {
        // What is left of the tree, from the smallest pieces up: the last of the batch.
        let mut left = self.sums.drain().collect::<Vec<_>>();
        left.sort_by_key(|((level, _), _)| *level);
        let mut total: Option<Vec<Tensor>> = None;
        for (_, sum) in left {
            total = Some(match total {
                Some(behind) => {
                    sum.into_iter().zip(&behind).map(|(a, b)| add(a, b)).collect::<Result<_>>()?
                }
                None => sum,
            });
        }
        let mut sums = total.unwrap_or_default().into_iter();
        let mut parts = self.parts.into_values().map(Vec::into_iter).collect::<Vec<_>>();
        let mut outputs = Vec::with_capacity(self.roles.len());
        for role in &self.roles {
            if *role == Role::Sum {
                outputs.extend(sums.next());
                continue;
            }
            let all = parts.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>();
            let Some(first) = all.first() else { continue };
            if *role == Role::Fixed || all.len() == 1 {
                outputs.push(first.clone());
                continue;
            }
            let mut dims = first.dims().to_vec();
            dims[0] = examples;
            outputs.push(join(dims, &all)?);
        }
        Ok(outputs)
    }
}

/// Parts of a tensor, one behind the other.
fn join(dims: Vec<usize>, parts: &[Tensor]) -> Result<Tensor> {
    let Some(first) = parts.first() else { return Err(Trouble::graph("no part of an output")) };
    let data = alike!(first.data(), v => {
        let mut all = Vec::with_capacity(count(&dims)?);
        for part in parts {
            all.extend_from_slice(like(v, part)?);
        }
        all
    });
    Tensor::new(dims, data)
}

/// The sum of two tensors of floats.
fn add(mut a: Tensor, b: &Tensor) -> Result<Tensor> {
    match (a.data_mut(), b.data()) {
        (Data::F32(a), Data::F32(b)) => a.iter_mut().zip(b).for_each(|(a, b)| *a += b),
        (Data::F64(a), Data::F64(b)) => a.iter_mut().zip(b).for_each(|(a, b)| *a += b),
        _ => return Err(Trouble::unsupported("a sum of other than floats")),
    }
    Ok(a)
}
