//! Models of LightGBM as text, versions 3 and 4 of its format.
//!
//! Everything is `f64`; features within 1e-35 of zero count as zero. A branch says where a missing
//! value goes and what is missing: nothing, zero, or NaN. A forest (`average_output`) divides its
//! scores by the number of iterations, but not its raw ones.
//!
//! Source: `src/io/tree.cpp`, `include/LightGBM/tree.h` and `src/boosting/gbdt_model_text.cpp` of
//! LightGBM.

use std::{collections::HashMap, str::FromStr};

use crate::{
    Result, Trouble,
    graph::shorten,
    trees::{Branch, Ensemble, Missing, Next, Precision, Test, Transform, uneven},
};

/// Features and targets of a model, at most.
const MOST: usize = 1 << 24;

/// Up to here a feature counts as zero: `kZeroThreshold`, an `f32`.
const ZERO: f32 = 1e-35;

/// Values by their names, each a line.
type Section<'a> = HashMap<&'a str, &'a str>;

pub(super) fn read(bytes: &[u8]) -> Result<Ensemble> {
    let text = std::str::from_utf8(bytes).map_err(|_| {
        Trouble::new(crate::Kind::Malformed, "a model of LightGBM that is not UTF-8")
    })?;
    let mut lines = text.lines().skip(1);
    // A section ends where a tree begins, whose number is given back, or where trees end.
    let mut section = || {
        let mut section = Section::new();
        for line in lines.by_ref().map(str::trim).take_while(|line| *line != "end of trees") {
            if let Some(tree) = line.strip_prefix("Tree=") {
                return (section, Some(tree));
            }
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            section.insert(key, value);
        }
        (section, None)
    };
    let (head, mut next) = section();
    let version = head.get("version").copied().unwrap_or_default();
    if !matches!(version, "v3" | "v4") {
        let version = shorten(version);
        return Err(Trouble::unsupported(format!("version `{version}` of LightGBM's format")));
    }
    let mut ensemble = Ensemble::new(Precision::Double);
    ensemble.flush = f64::from(ZERO);
    let last = one::<usize>(&head, "max_feature_idx")?;
    ensemble.features = bounded("max_feature_idx", last.saturating_add(1))?;
    let targets = one::<usize>(&head, "num_tree_per_iteration")?.max(1);
    ensemble.targets = bounded("num_tree_per_iteration", targets)?;
    ensemble.transform = objective(head.get("objective").copied().unwrap_or_default())?;
    while let Some(number) = next {
        let (values, following) = section();
        next = following;
        let target = ensemble.roots.len().checked_rem(targets).unwrap_or(0);
        let root = tree(&mut ensemble, &values, target as u32)
            .map_err(|trouble| trouble.at(|| format!("tree {}", shorten(number))))?;
        ensemble.roots.push(root);
    }
    if head.contains_key("average_output") {
        let iterations = ensemble.roots.len().checked_div(targets).unwrap_or(0);
        ensemble.averaged = Some(iterations as u64);
    }
    ensemble.checked(false)
}

/// What an objective makes of raw scores.
fn objective(text: &str) -> Result<Transform> {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or_default();
    let words = words.collect::<Vec<_>>();
    let sigmoid = words.iter().find_map(|word| word.strip_prefix("sigmoid:"));
    let scale = || match sigmoid {
        None => Ok(1.0),
        Some(scale) => scale.parse().map_err(|_| {
            Trouble::graph(format!("expected a number as `sigmoid`, got `{}`", shorten(scale)))
        }),
    };
    Ok(match name {
        "binary" | "multiclassova" => Transform::Sigmoid(scale()?),
        "cross_entropy" => Transform::Sigmoid(1.0),
        "cross_entropy_lambda" => Transform::Softplus,
        "multiclass" => Transform::Softmax,
        "poisson" | "gamma" | "tweedie" => Transform::Exp,
        _ if words.contains(&"sqrt") => Transform::SignedSquare,
        _ => Transform::None,
    })
}

fn bounded(name: &str, number: usize) -> Result<usize> {
    if number > MOST {
        return Err(Trouble::limit(format!("expected `{name}` of at most {MOST}, got {number}")));
    }
    Ok(number)
}

fn one<T: FromStr>(section: &Section<'_>, name: &str) -> Result<T> {
    let text = section.get(name).copied().unwrap_or_default();
    text.trim().parse().map_err(|_| {
        let text = shorten(text);
        Trouble::graph(format!("expected a number as `{name}`, got `{text}`"))
    })
}

/// Numbers between spaces.
fn list<T: FromStr>(section: &Section<'_>, name: &str, count: usize) -> Result<Vec<T>> {
    let text = section.get(name).copied().unwrap_or_default();
    let numbers = text.split_whitespace().map(|word| {
        word.parse::<T>().map_err(|_| {
            let word = shorten(word);
            Trouble::graph(format!("expected numbers in `{name}`, got `{word}`"))
        })
    });
    let numbers = numbers.collect::<Result<Vec<_>>>()?;
    if numbers.len() != count {
        return Err(uneven(name, count, numbers.len()));
    }
    Ok(numbers)
}

/// Read a tree; gives its root.
fn tree(ensemble: &mut Ensemble, values: &Section<'_>, target: u32) -> Result<Next> {
    if values.get("is_linear").is_some_and(|flag| flag.trim() != "0") {
        return Err(Trouble::unsupported("leaves of LightGBM that hold linear models"));
    }
    let leaves = one::<usize>(values, "num_leaves")?;
    let weights = list::<f64>(values, "leaf_value", leaves)?;
    let (first_branch, first_leaf) = (ensemble.branches.len(), ensemble.leaves.len());
    for weight in weights {
        ensemble.add_leaf([(target, weight)])?;
    }
    let branches = match leaves.checked_sub(1) {
        None => return Err(Trouble::graph("a tree without leaves")),
        Some(0) => return Ok(Next::Leaf(super::place(first_leaf)?)),
        Some(branches) => branches,
    };
    let features = list::<u32>(values, "split_feature", branches)?;
    let thresholds = list::<f64>(values, "threshold", branches)?;
    let decisions = list::<u8>(values, "decision_type", branches)?;
    let left = list::<i64>(values, "left_child", branches)?;
    let right = list::<i64>(values, "right_child", branches)?;
    // Several nodes may name one set.
    let first_set = ensemble.sets.len();
    let sets = sets(values)?;
    let set_count = sets.len();
    for set in sets {
        ensemble.add_set(set)?;
    }
    let next = |child: i64| {
        let (first, at) = if child < 0 { (first_leaf, !child) } else { (first_branch, child) };
        let most = if child < 0 { leaves } else { branches };
        let at = usize::try_from(at).ok().filter(|at| *at < most).ok_or_else(|| {
            Trouble::graph(format!("a node leads to {child}, which is not there"))
        })?;
        let at = super::place(first.saturating_add(at))?;
        Ok::<_, Trouble>(if child < 0 { Next::Leaf(at) } else { Next::Branch(at) })
    };
    let rows = features.iter().zip(&thresholds).zip(&decisions).zip(left.iter().zip(&right));
    for (((&feature, &threshold), &decision), (&left, &right)) in rows {
        let (yes, no) = (next(left)?, next(right)?);
        let default_left = decision & DEFAULT_LEFT != 0;
        let (test, missing) = if decision & CATEGORICAL != 0 {
            let known = threshold >= 0.0 && threshold < set_count as f64;
            if !known {
                return Err(Trouble::graph(format!("there is no set of categories {threshold}")));
            }
            let set = super::place(first_set.saturating_add(threshold as usize))?;
            (Test::Category(set), Missing::Goes(false))
        } else {
            let missing = match decision >> MISSING_SHIFT & 3 {
                0 => Missing::Zero,
                1 => Missing::ZeroGoes(default_left),
                _ => Missing::Goes(default_left),
            };
            (Test::LessOrEqual, missing)
        };
        ensemble.add_branch(Branch { feature, test, threshold, missing, yes, no })?;
    }
    Ok(Next::Branch(super::place(first_branch)?))
}

/// Bits of a decision.
const CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;
const MISSING_SHIFT: u8 = 2;

/// The sets of categories, which are stored as bits.
fn sets(values: &Section<'_>) -> Result<Vec<Vec<f64>>> {
    let count = match values.get("num_cat") {
        Some(_) => one::<usize>(values, "num_cat")?,
        None => 0,
    };
    if count == 0 {
        return Ok(Vec::new());
    }
    let bounds = list::<usize>(values, "cat_boundaries", count.saturating_add(1))?;
    let words = bounds.last().copied().unwrap_or(0);
    let words = list::<u32>(values, "cat_threshold", words)?;
    let mut sets = Vec::with_capacity(count);
    for pair in bounds.windows(2) {
        let &[from, to] = pair else { continue };
        let words = words
            .get(from..to)
            .ok_or_else(|| Trouble::graph("the bounds of sets of categories are out of order"))?;
        let mut set = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let bits = (0..32_u32).filter(|bit| word >> bit & 1 == 1);
            set.extend(bits.map(|bit| at as f64 * 32.0 + f64::from(bit)));
        }
        sets.push(set);
    }
    Ok(sets)
}
