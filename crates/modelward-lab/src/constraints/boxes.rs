//! The boxes that a space falls into: one for each choice of groups and whole numbers.

use super::{
    grid::about,
    space::{Space, unchanged},
};
use crate::budget::Ball;

/// One choice: features with the least and the largest that they are in it.
type Choice = Vec<(usize, f32, f32)>;

impl Space<'_> {
    /// Boxes that together hold every point here, and where nothing has a cost no other; `None` where
    /// that takes more than `most`.
    pub fn boxes(&self, most: usize) -> Option<Vec<Ball>> {
        let mut boxes = vec![Ball { low: self.low().to_vec(), high: self.high().to_vec() }];
        for choices in self.choices(most)? {
            if boxes.len().checked_mul(choices.len())? > most {
                return None;
            }
            let each = boxes.iter().flat_map(|whole| {
                choices.iter().map(|choice| {
                    let mut part = whole.clone();
                    for &(at, low, high) in choice {
                        (part.low[at], part.high[at]) = (low, high);
                    }
                    part
                })
            });
            boxes = each.collect();
        }
        Some(boxes)
    }

    /// The choices that there are, those of one group or feature together.
    fn choices(&self, most: usize) -> Option<Vec<Vec<Choice>>> {
        let mut all = Vec::new();
        for (at, &before) in self.original.iter().enumerate() {
            let Some((low, high)) = self.ranges[at] else { continue };
            let mut own = Vec::new();
            match &self.grids[at] {
                None => own.push(vec![(at, low, high)]),
                Some(grid) => {
                    let step = about(grid.step()) as f32;
                    let mut value = Some(low);
                    while let Some(here) = value {
                        own.push(vec![(at, here, here)]);
                        if own.len() > most {
                            return None;
                        }
                        let next = here.next_up();
                        value =
                            (next <= high).then(|| grid.snap(here + step, next, high)).flatten();
                    }
                }
            }
            if !own.iter().flatten().any(|&(_, low, high)| low <= before && before <= high) {
                own.push(vec![(at, before, before)]);
            }
            all.push(own);
        }
        for (group, holders) in self.groups.iter().zip(&self.holders) {
            let one = |&one: &usize| {
                let value = |at: usize| if one == at { 1.0 } else { 0.0 };
                group.iter().map(|&at| (at, value(at), value(at))).collect::<Choice>()
            };
            let mut own = holders.iter().map(one).collect::<Vec<_>>();
            let same = |choice: &Choice| {
                choice.iter().all(|&(at, value, _)| unchanged(value, self.original[at]))
            };
            if !own.iter().any(same) {
                let before = |&at: &usize| (at, self.original[at], self.original[at]);
                own.push(group.iter().map(before).collect());
            }
            all.push(own);
        }
        Some(all)
    }
}
