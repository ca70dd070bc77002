//! What the pieces of a batch give, put together: parts one behind the other, sums in a fixed binary
//! tree, so that neither depends on which thread was first.

use std::collections::HashMap;

use crate::{
    Data, Result, Tensor, Trouble, Type, alike,
    exec::{View, roles::Role},
    graph::ops::elementwise::like,
};

/// What the pieces gave so far.
#[derive(Debug)]
pub(super) struct Given {
    roles: Vec<Role>,
    /// Outputs that are no sums, as far as they are written.
    whole: Vec<Option<Tensor>>,
    /// Sums that wait for their neighbour: by level of the tree and place in it.
    sums: HashMap<(u32, usize), Vec<Tensor>>,
}

impl Given {
    /// Nothing yet, of outputs of these roles.
    pub(super) fn new(roles: &[Role]) -> Self {
        Self { roles: roles.to_vec(), whole: vec![None; roles.len()], sums: HashMap::new() }
    }

    /// Write into these tensors where they fit.
    pub(super) fn into(mut self, tensors: Vec<Tensor>) -> Self {
        for (whole, tensor) in self.whole.iter_mut().zip(tensors) {
            *whole = Some(tensor);
        }
        self
    }

    /// Take in an output of a piece: `size` examples from `first` on, of so many.
    pub(super) fn put(
        &mut self,
        at: usize,
        kind: &Type,
        view: View<'_>,
        [first, size, examples]: [usize; 3],
    ) -> Result<()> {
        let Some(whole) = self.whole.get_mut(at) else { return Ok(()) };
        let mut all = kind.clone();
        let mut from = 0;
        if self.roles.get(at) != Some(&Role::Fixed) && size != examples {
            if let Some(dim) = all.dims.first_mut() {
                *dim = examples;
            }
            from = kind.count()? / size.max(1) * first;
        }
        let whole = match whole {
            Some(whole) if whole.kind() == all => whole,
            _ => whole.insert(Tensor::zeros(&all)?),
        };
        let beyond = || Trouble::graph("an output is larger than its type");
        match (whole.data_mut(), view) {
            (Data::F32(whole), View::Floats(floats)) => {
                let to = whole.get_mut(from..from.saturating_add(floats.len()));
                to.ok_or_else(beyond)?.copy_from_slice(floats);
            }
            (whole, View::Tensor(part)) => {
                *whole = alike!(&mut *whole, v => {
                    let mut all = std::mem::take(v);
                    let part = like(&all, part)?;
                    let to = all.get_mut(from..from.saturating_add(part.len()));
                    to.ok_or_else(beyond)?.clone_from_slice(part);
                    all
                });
            }
            _ => return Err(Trouble::graph("an output of another type")),
        }
        Ok(())
    }

    /// Take in the sums of a piece.
    pub(super) fn take(&mut self, piece: usize, sums: Vec<Tensor>) -> Result<()> {
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
    pub(super) fn finish(mut self) -> Result<Vec<Tensor>> {
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
        let outputs = self.roles.iter().zip(self.whole);
        Ok(outputs
            .filter_map(|(role, whole)| if *role == Role::Sum { sums.next() } else { whole })
            .collect())
    }
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
