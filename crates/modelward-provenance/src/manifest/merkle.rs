//! A tree of digests over the files of a manifest, by which one file can be proven to be part of it
//! without the others.
//!
//! The tree is that of RFC 6962, section 2.1, with SHA-256. There is a leaf for each file, in the
//! order of the paths by code point:
//!
//! ```text
//! leaf = SHA-256(0x00 || path in UTF-8 || 0x00 || SHA-256 of the file, 32 bytes)
//! node = SHA-256(0x01 || left, 32 bytes || right, 32 bytes)
//! ```
//!
//! `n` leaves split at the largest power of two below `n`. A path holds no zero byte, so no two
//! pairs of path and digest make one leaf. Without files the root is the SHA-256 of no bytes.

use crate::digest::{Digest, Function, Hasher, of};

/// The leaf of a file.
pub fn leaf(path: &str, sha256: &Digest) -> Digest {
    hash(&[&[0], path.as_bytes(), &[0], sha256.bytes()])
}

/// The root over leaves in their order.
pub fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => of(Function::Sha256, b""),
        [leaf] => leaf.clone(),
        _ => {
            let (left, right) = split(leaves);
            node(&root(left), &root(right))
        }
    }
}

/// What proves that the leaf at an index is under the root: its neighbours, from the leaf upwards
/// (RFC 6962, section 2.1.1); `None` where there is no such leaf.
pub fn proof(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    match leaves {
        [] => None,
        [_] => (index == 0).then(Vec::new),
        _ => {
            let (left, right) = split(leaves);
            let (mut path, other) = match index.checked_sub(left.len()) {
                None => (proof(left, index)?, root(right)),
                Some(index) => (proof(right, index)?, root(left)),
            };
            path.push(other);
            Some(path)
        }
    }
}

/// The root that a leaf and its neighbours give, where the leaf is at `index` of `count`; `None`
/// where so many neighbours lead nowhere.
pub fn root_of(leaf: &Digest, index: usize, count: usize, neighbours: &[Digest]) -> Option<Digest> {
    if index >= count {
        return None;
    }
    let Some((last, below)) = neighbours.split_last() else {
        return (count == 1).then(|| leaf.clone());
    };
    let left = half(count)?;
    Some(match index.checked_sub(left) {
        None => node(&root_of(leaf, index, left, below)?, last),
        Some(index) => node(last, &root_of(leaf, index, count.checked_sub(left)?, below)?),
    })
}

/// The largest power of two below a count of at least two.
fn half(count: usize) -> Option<usize> {
    let below = count.checked_sub(1).filter(|&below| below > 0)?;
    1_usize.checked_shl(below.ilog2())
}

fn split(leaves: &[Digest]) -> (&[Digest], &[Digest]) {
    leaves.split_at_checked(half(leaves.len()).unwrap_or(0)).unwrap_or_default()
}

fn node(left: &Digest, right: &Digest) -> Digest {
    hash(&[&[1], left.bytes(), right.bytes()])
}

fn hash(parts: &[&[u8]]) -> Digest {
    let mut hasher = Hasher::new(Function::Sha256);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_leaf_is_proven_and_no_other(count in 1_usize..40, at in any::<prop::sample::Index>()) {
            let leaves = (0..count).map(|n| leaf(&n.to_string(), &of(Function::Sha256, b"x")));
            let leaves = leaves.collect::<Vec<_>>();
            let index = at.index(count);
            let path = proof(&leaves, index).unwrap();
            let whole = root(&leaves);
            prop_assert_eq!(root_of(&leaves[index], index, count, &path), Some(whole.clone()));
            let other = leaf("other", &of(Function::Sha256, b"x"));
            prop_assert_ne!(root_of(&other, index, count, &path), Some(whole.clone()));
            if count > 1 {
                let wrong = if index == 0 { 1 } else { 0 };
                prop_assert_ne!(root_of(&leaves[index], wrong, count, &path), Some(whole));
            }
        }
    }

    #[test]
    fn the_tree_is_that_of_the_standard() {
        let [a, b, c] = ["a", "b", "c"].map(|name| leaf(name, &of(Function::Sha256, b"")));
        let expected = node(&node(&a, &b), &c);
        assert_eq!(root(&[a, b, c]), expected);
    }
}
