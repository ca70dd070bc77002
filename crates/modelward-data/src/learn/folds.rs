//! Which rows belong together, and which rows are held out together.

use std::collections::HashMap;

use super::random::Random;
use crate::Matrix;

/// The group of each row, from 0: rows of equal features are one, and so are rows of one value of `given`
/// and pairs that are `near`.
pub(crate) fn groups(
    features: &Matrix,
    given: Option<&[Option<u32>]>,
    near: &[(u32, u32)],
) -> Vec<u32> {
    let rows = features.rows();
    let mut joined = (0..rows).collect::<Vec<_>>();
    let mut seen = HashMap::new();
    for row in 0..rows {
        let bits = digest(features.row(row));
        let first = *seen.entry(bits).or_insert(row);
        join(&mut joined, first, row);
    }
    if let Some(given) = given {
        let mut seen = HashMap::new();
        for (row, value) in given.iter().enumerate() {
            let Some(value) = value else { continue };
            let first = *seen.entry(*value).or_insert(row);
            join(&mut joined, first, row);
        }
    }
    near.iter().for_each(|(one, other)| join(&mut joined, *one as usize, *other as usize));
    numbered(&mut joined)
}

/// The group of each row by what the user gives alone; a row without a value is one of its own.
pub(crate) fn given(given: &[Option<u32>]) -> Vec<u32> {
    let mut joined = (0..given.len()).collect::<Vec<_>>();
    let mut seen = HashMap::new();
    for (row, value) in given.iter().enumerate() {
        let first = value.map_or(row, |value| *seen.entry(value).or_insert(row));
        join(&mut joined, first, row);
    }
    numbered(&mut joined)
}

/// The rows of the largest group that such pairs make of so many rows.
pub(crate) fn largest(rows: usize, near: &[(u32, u32)]) -> usize {
    let mut joined = (0..rows).collect::<Vec<_>>();
    near.iter().for_each(|(one, other)| join(&mut joined, *one as usize, *other as usize));
    let mut sizes = vec![0_usize; rows];
    numbered(&mut joined).into_iter().for_each(|group| sizes[group as usize] += 1);
    sizes.into_iter().max().unwrap_or(0)
}

/// Groups as numbers from 0, in the order of their first rows.
fn numbered(joined: &mut [usize]) -> Vec<u32> {
    let mut numbers = HashMap::new();
    (0..joined.len())
        .map(|row| {
            let root = root(joined, row);
            let next = numbers.len() as u32;
            *numbers.entry(root).or_insert(next)
        })
        .collect()
}

/// A digest of a row of 128 bits, in which -0.0 is 0.0: rows of one digest are taken as equal.
fn digest(row: &[f32]) -> (u64, u64) {
    let step = |(one, other): (u64, u64), value: &f32| {
        let bits = u64::from((value + 0.0).to_bits()) + 1;
        let one = (one ^ bits).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let other = other.rotate_left(23).wrapping_add(bits).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (one ^ (one >> 31), other ^ (other >> 29))
    };
    row.iter().fold((0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344), step)
}

fn root(joined: &mut [usize], mut row: usize) -> usize {
    while joined[row] != row {
        joined[row] = joined[joined[row]];
        row = joined[row];
    }
    row
}

fn join(joined: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(joined, one), root(joined, other));
    joined[one.max(other)] = one.min(other);
}

/// The fold of each row: whole groups, dealt out class by class of their first row.
pub(crate) fn folds(groups: &[u32], classes: &[u32], count: usize, seed: u64) -> Vec<u8> {
    let many = groups.iter().max().map_or(0, |group| *group as usize + 1);
    let (mut first, mut size) = (vec![usize::MAX; many], vec![0_usize; many]);
    for (row, &group) in groups.iter().enumerate() {
        let group = group as usize;
        first[group] = first[group].min(row);
        size[group] += 1;
    }
    let mut order = (0..many).collect::<Vec<_>>();
    Random::new(seed, 0xf01d).shuffle(&mut order);
    // The large ones first, each to the fold that has the fewest rows of its class.
    order.sort_by_key(|group| (classes[first[*group]], std::cmp::Reverse(size[*group])));
    let kinds = classes.iter().max().map_or(0, |class| *class as usize + 1);
    let mut of_class = vec![vec![0_usize; count]; kinds];
    let mut total = vec![0_usize; count];
    let mut fold_of = vec![0_u8; many];
    for group in order {
        let class = classes[first[group]] as usize;
        let fold = (0..count).min_by_key(|fold| (of_class[class][*fold], total[*fold], *fold));
        let fold = fold.unwrap_or(0);
        of_class[class][fold] += size[group];
        total[fold] += size[group];
        fold_of[group] = fold as u8;
    }
    groups.iter().map(|group| fold_of[*group as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_make_groups_and_what_is_given_stands_alone() {
        assert_eq!(largest(6, &[(0, 3), (3, 5), (1, 2)]), 3);
        assert_eq!(largest(3, &[]), 1);
        assert_eq!(given(&[Some(4), None, Some(4), None]), [0, 1, 0, 2]);
    }

    #[test]
    fn copies_are_of_one_group_and_one_fold() {
        let data = vec![1.0, 2.0, 3.0, 4.0, 1.0, 2.0, -0.0, 0.0, 0.0, -0.0, 9.0, 9.0];
        let features = Matrix { columns: 2, data, names: Vec::new() };
        let found = groups(&features, None, &[]);
        assert_eq!(found, [0, 1, 0, 2, 2, 3]);
        let given = [None, Some(7), None, Some(7), None, None];
        let found = groups(&features, Some(&given), &[]);
        assert_eq!(found, [0, 1, 0, 1, 1, 2]);
        assert_eq!(groups(&features, None, &[(5, 2), (4, 3)]), [0, 1, 0, 2, 2, 0]);
        let folds = folds(&found, &[0, 1, 0, 1, 1, 0], 2, 0);
        assert_eq!(folds[0], folds[2]);
        assert_eq!(folds[1], folds[3]);
        assert_ne!(folds[0], folds[5]);
    }
}
