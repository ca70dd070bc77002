//! Which tensors of two sides differ: by file and name first, then by digest, then by name alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::{
    Comparison, Side,
    locate::{self, Difference},
};
use crate::manifest::{Contents, Options, Tensor};

/// Tensors that differ.
#[derive(Debug, Default, Serialize)]
pub struct Tensors {
    /// Those with other elements, another type or another shape.
    pub changed: Vec<Pair>,
    /// Those with the same elements under another name.
    pub renamed: Vec<(Named, Named)>,
    /// Those of the same name and elements in another file.
    pub moved: Vec<(Named, Named)>,
    /// Those that are gone.
    pub removed: Vec<Named>,
    /// Those that are new.
    pub added: Vec<Named>,
}

/// A tensor by its file and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The file.
    pub file: String,
    /// The name.
    pub name: String,
}

/// A tensor on both sides.
#[derive(Debug, Serialize)]
pub struct Pair {
    /// On the old side.
    pub old: Named,
    /// On the new side.
    pub new: Named,
    /// The types.
    pub dtype: (String, String),
    /// The shapes.
    pub shape: (Vec<u64>, Vec<u64>),
    /// Where the elements differ, if both are at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Difference>,
}

impl Tensors {
    /// Whether none differs.
    pub fn is_empty(&self) -> bool {
        let Self { changed, renamed, moved, removed, added } = self;
        changed.is_empty()
            && renamed.is_empty()
            && moved.is_empty()
            && removed.is_empty()
            && added.is_empty()
    }

    /// Find the elements that differ, where both sides are at hand.
    pub(super) fn locate(&mut self, old: &Side, new: &Side, options: &Options) {
        let mut files: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (at, pair) in self.changed.iter().enumerate() {
            if pair.dtype.0 == pair.dtype.1 && pair.shape.0 == pair.shape.1 {
                let key = (pair.old.file.clone(), pair.new.file.clone());
                files.entry(key).or_default().push(at);
            }
        }
        for ((from, to), pairs) in files {
            let Some(mut tables) = locate::Tables::open(old, &from, new, &to, options) else {
                continue;
            };
            for at in pairs {
                let Some(pair) = self.changed.get_mut(at) else { continue };
                pair.place = tables.difference(&pair.old.name, &pair.new.name);
            }
        }
    }
}

fn named(tensor: &Tensor) -> Named {
    Named { file: tensor.file.clone(), name: tensor.name.clone() }
}

fn pair(old: &Tensor, new: &Tensor) -> Pair {
    Pair {
        old: named(old),
        new: named(new),
        dtype: (old.dtype.clone(), new.dtype.clone()),
        shape: (old.shape.clone(), new.shape.clone()),
        place: None,
    }
}

/// Compare the tensors of files that are not the same on both sides.
pub(super) fn compare(
    old: &Side,
    new: &Side,
    before: &Contents,
    after: &Contents,
    comparison: &Comparison,
) -> Tensors {
    let same = |path: &str| {
        let (one, other) = (old.manifest.file(path), new.manifest.file(path));
        one.zip(other).is_some_and(|(one, other)| one.sha256 == other.sha256)
    };
    let moved = comparison.moved.iter().flat_map(|(from, to)| [from, to]);
    let moved = moved.collect::<BTreeSet<_>>();
    let converted = |path: &String, from: bool| {
        comparison.converted.iter().any(|converted| {
            (if from { &converted.from.0 } else { &converted.to.0 }).contains(path)
        })
    };
    let mut olds = before.tensors.iter().filter(|tensor| {
        !same(&tensor.file) && !moved.contains(&tensor.file) && !converted(&tensor.file, true)
    });
    let mut news = after.tensors.iter().filter(|tensor| {
        !same(&tensor.file) && !moved.contains(&tensor.file) && !converted(&tensor.file, false)
    });
    let mut olds = olds.by_ref().collect::<Vec<_>>();
    let mut news = news.by_ref().collect::<Vec<_>>();
    let mut found = Tensors::default();
    // Two single files are one file under two names.
    let single = comparison.changed.iter().find_map(|changed| changed.to.as_deref());
    let file = |tensor: &Tensor| match single {
        Some(_) => String::new(),
        None => tensor.file.clone(),
    };
    for (one, other) in matched(&mut olds, &mut news, |tensor| (file(tensor), tensor.name.clone())) {
        if one.sha256 != other.sha256 {
            found.changed.push(pair(one, other));
        }
    }
    for (one, other) in
        matched(&mut olds, &mut news, |tensor| (tensor.name.clone(), tensor.sha256.clone()))
    {
        found.moved.push((named(one), named(other)));
    }
    for (one, other) in matched(&mut olds, &mut news, |tensor| tensor.sha256.clone()) {
        found.renamed.push((named(one), named(other)));
    }
    for (one, other) in matched(&mut olds, &mut news, |tensor| tensor.name.clone()) {
        found.changed.push(pair(one, other));
    }
    found.removed.extend(olds.into_iter().map(named));
    found.added.extend(news.into_iter().map(named));
    found
}

/// Take out of both lists the tensors whose key is the same, in the order of the first.
fn matched<'a, K: Eq + std::hash::Hash>(
    olds: &mut Vec<&'a Tensor>,
    news: &mut Vec<&'a Tensor>,
    key: impl Fn(&Tensor) -> K,
) -> Vec<(&'a Tensor, &'a Tensor)> {
    let mut known: HashMap<K, Vec<usize>> = HashMap::new();
    for (at, tensor) in news.iter().enumerate().rev() {
        known.entry(key(tensor)).or_default().push(at);
    }
    let (mut pairs, mut used) = (Vec::new(), vec![false; news.len()]);
    olds.retain(|tensor| {
        let Some(at) = known.get_mut(&key(tensor)).and_then(Vec::pop) else { return true };
        let (Some(other), Some(used)) = (news.get(at), used.get_mut(at)) else { return true };
        *used = true;
        pairs.push((*tensor, *other));
        false
    });
    let mut used = used.into_iter();
    news.retain(|_| !used.next().unwrap_or(false));
    pairs
}
