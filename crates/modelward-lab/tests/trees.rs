//! Distances of small random ensembles against a search through every combination of candidates, in
//! all the formats that are read.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a test"
)]

use std::time::Instant;

use modelward_engine::{Limits, Model};
use modelward_formats::Bytes;
use modelward_lab::trees::{Distance, Trees, Verdict};
use proptest::prelude::*;

#[path = "../../modelward-engine/tests/wire/mod.rs"]
mod wire;

use wire::{bytes, number, text};

const FEATURES: usize = 2;

/// Three branches and four leaves.
#[derive(Clone, Debug)]
struct Tree {
    /// The feature and the threshold of the root, and of the branches on its left and right.
    branches: [(usize, f64); 3],
    leaves: [f64; 4],
}

/// Few thresholds, some of which lie between the same two floats of 32 bits.
fn threshold() -> impl Strategy<Value = f64> {
    (-1_i32..=9, prop_oneof![Just(0.0), Just(1e-12), Just(-1e-12), Just(3e-8), Just(-1e-36)])
        .prop_map(|(eighth, more)| f64::from(eighth) / 8.0 + more)
}

fn trees(leaf: impl Strategy<Value = f64> + Clone) -> impl Strategy<Value = Vec<Tree>> {
    let branch = || (0..FEATURES, threshold());
    let leaves = [leaf.clone(), leaf.clone(), leaf.clone(), leaf];
    let tree = ([branch(), branch(), branch()], leaves)
        .prop_map(|(branches, leaves)| Tree { branches, leaves });
    prop::collection::vec(tree, 1..7)
}

/// Weights whose sums meet, cancel and round.
fn weight() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![
        (-4_i32..=4).prop_map(|tenth| f64::from(tenth) / 10.0),
        (-4_i32..=4).prop_map(|tenth| f64::from(tenth as f32 / 10.0)),
        (-4_i32..=4).prop_map(|part| f64::from(part) * 1e-9),
        -1.0..1.0_f64,
    ]
}

fn sample() -> impl Strategy<Value = Vec<f32>> {
    let value = prop_oneof![
        (0_i32..=8).prop_map(|eighth| eighth as f32 / 8.0),
        (0_i32..=8).prop_map(|eighth| (eighth as f32 / 8.0).next_up()),
        0.0_f32..1.0
    ];
    prop::collection::vec(value, FEATURES)
}

/// A dump of XGBoost.
fn dump(trees: &[Tree]) -> Vec<u8> {
    let leaf = |id: usize, value: f64| format!(r#"{{"nodeid":{id},"leaf":{:?}}}"#, value as f32);
    let branch = |id: usize, (feature, threshold): (usize, f64), children: String| {
        let (yes, no) = (2 * id + 1, 2 * id + 2);
        let threshold = threshold as f32;
        format!(
            r#"{{"nodeid":{id},"split":{feature},"split_condition":{threshold:?},"yes":{yes},"no":{no},"missing":{yes},"children":[{children}]}}"#
        )
    };
    let tree = |tree: &Tree| {
        let [root, left, right] = tree.branches;
        let [a, b, c, d] = tree.leaves;
        let left = branch(1, left, [leaf(3, a), leaf(4, b)].join(","));
        let right = branch(2, right, [leaf(5, c), leaf(6, d)].join(","));
        branch(0, root, [left, right].join(","))
    };
    let trees = trees.iter().map(tree).collect::<Vec<_>>().join(",\n");
    // A tree that names the last feature, so that rows have all of them.
    let last = branch(0, (FEATURES - 1, 0.5), [leaf(1, 0.0), leaf(2, 0.0)].join(","));
    format!("[{last},{trees}]").into_bytes()
}

/// A model of LightGBM of this many classes.
fn lightgbm(trees: &[Tree], classes: usize) -> Vec<u8> {
    let targets = if classes == 2 { 1 } else { classes };
    let objective = if classes == 2 { "binary sigmoid:1" } else { "multiclass num_class:3" };
    let last = FEATURES - 1;
    let mut model = format!(
        "tree\nversion=v4\nnum_class={targets}\nnum_tree_per_iteration={targets}\n\
         max_feature_idx={last}\nobjective={objective}\n\n"
    );
    let whole = trees.len() / targets * targets;
    for (at, tree) in trees[..whole].iter().enumerate() {
        let list = |of: &dyn Fn(usize) -> String, count: usize| {
            (0..count).map(of).collect::<Vec<_>>().join(" ")
        };
        let features = list(&|at| tree.branches[at].0.to_string(), 3);
        let thresholds = list(&|at| format!("{:?}", tree.branches[at].1), 3);
        let leaves = list(&|at| format!("{:?}", tree.leaves[at]), 4);
        model += &format!(
            "Tree={at}\nnum_leaves=4\nnum_cat=0\nsplit_feature={features}\nthreshold={thresholds}\n\
             decision_type=2 2 2\nleft_child=1 -1 -3\nright_child=2 -2 -4\n\
             leaf_value={leaves}\n\n"
        );
    }
    (model + "end of trees\n").into_bytes()
}

fn attribute(name: &str, kind: u64, content: Vec<u8>) -> Vec<u8> {
    bytes(5, &[text(1, name), content, number(20, kind)].concat())
}

fn ints(name: &str, values: impl IntoIterator<Item = usize>) -> Vec<u8> {
    attribute(name, 7, values.into_iter().flat_map(|value| number(8, value as u64)).collect())
}

fn floats(name: &str, values: impl IntoIterator<Item = f64>) -> Vec<u8> {
    let packed =
        values.into_iter().flat_map(|value| (value as f32).to_le_bytes()).collect::<Vec<_>>();
    attribute(name, 6, bytes(7, &packed))
}

fn texts(name: &str, values: impl IntoIterator<Item = &'static str>) -> Vec<u8> {
    attribute(name, 8, values.into_iter().flat_map(|value| text(9, value)).collect())
}

/// A classifier of ONNX; `votes` gives the class and the weight of each vote of a leaf.
fn onnx(
    trees: &[Tree],
    classes: usize,
    votes: &dyn Fn(f64) -> Vec<(usize, f64)>,
    more: &[Vec<u8>],
    through: &[&str],
) -> Model {
    const MODES: [&str; 4] = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"];
    let nodes = (0..trees.len()).flat_map(|tree| (0..7).map(move |node| (tree, node)));
    let nodes = nodes.collect::<Vec<_>>();
    let branch = |&(tree, node): &(usize, usize)| trees[tree].branches.get(node).copied();
    let mut given = Vec::new();
    for (at, tree) in trees.iter().enumerate() {
        for (leaf, &value) in tree.leaves.iter().enumerate() {
            given.extend(
                votes(value).into_iter().map(|(class, weight)| (at, leaf + 3, class, weight)),
            );
        }
    }
    let child =
        |more: usize| move |&(_, node): &(usize, usize)| if node < 3 { 2 * node + more } else { 0 };
    let mode = |pair: &(usize, usize)| match branch(pair) {
        Some(_) => MODES[(pair.0 + pair.1) % 4],
        None => "LEAF",
    };
    let mut node = [
        text(1, "x"),
        text(2, "label"),
        text(2, "scores"),
        text(4, "TreeEnsembleClassifier"),
        text(7, "ai.onnx.ml"),
        ints("nodes_treeids", nodes.iter().map(|pair| pair.0)),
        ints("nodes_nodeids", nodes.iter().map(|pair| pair.1)),
        ints("nodes_featureids", nodes.iter().map(|pair| branch(pair).map_or(0, |b| b.0))),
        floats("nodes_values", nodes.iter().map(|pair| branch(pair).map_or(0.0, |b| b.1))),
        texts("nodes_modes", nodes.iter().map(mode)),
        ints("nodes_truenodeids", nodes.iter().map(child(1))),
        ints("nodes_falsenodeids", nodes.iter().map(child(2))),
        ints("class_treeids", given.iter().map(|vote| vote.0)),
        ints("class_nodeids", given.iter().map(|vote| vote.1)),
        ints("class_ids", given.iter().map(|vote| vote.2)),
        floats("class_weights", given.iter().map(|vote| vote.3)),
        ints("classlabels_int64s", (0..classes).map(|class| class + 10)),
    ]
    .concat();
    more.iter().for_each(|attribute| node.extend(attribute));
    let mut graph = [bytes(1, &node), text(2, "graph")].concat();
    let mut last = "label".to_owned();
    for (at, operator) in through.iter().enumerate() {
        let next = format!("through{at}");
        let node = [text(1, &last), text(2, &next), text(4, operator)].concat();
        graph.extend(bytes(1, &node));
        last = next;
    }
    let value = |name: &str, element: u64, dims: &[usize]| {
        let dims = dims.iter().flat_map(|&dim| bytes(1, &number(1, dim as u64)));
        let shape = bytes(2, &dims.collect::<Vec<_>>());
        let tensor = bytes(1, &[number(1, element), shape].concat());
        [text(1, name), bytes(2, &tensor)].concat()
    };
    graph.extend(bytes(11, &value("x", 1, &[1, FEATURES])));
    graph.extend(bytes(12, &value(&last, 7, &[1])));
    let set =
        |domain: &str, version: u64| bytes(8, &[text(1, domain), number(2, version)].concat());
    let model = [number(1, 8), bytes(7, &graph), set("", 17), set("ai.onnx.ml", 3)].concat();
    Model::from_bytes(Bytes::from(model), None, &Limits::default()).unwrap()
}

/// All values of a feature that can matter: around thresholds, at the ends, and of the sample.
fn candidates(trees: &[Tree], feature: usize, mut values: Vec<f32>) -> Vec<f32> {
    for &(of, threshold) in trees.iter().flat_map(|tree| &tree.branches) {
        let near = threshold as f32;
        if of == feature {
            values.extend([near.next_down(), near, near.next_up()]);
        }
    }
    // Zero, and what LightGBM takes for it.
    values.extend([-1e-35, 1e-35].into_iter().flat_map(|v: f32| [v.next_down(), v, v.next_up()]));
    values.extend([0.0, 0.5_f32.next_down(), 0.5]);
    values.sort_by(f32::total_cmp);
    values.dedup();
    values
}

/// All inputs that can matter in a box, row by row.
fn inputs(trees: &[Tree], sample: &[f32], low: &[f32], high: &[f32]) -> Vec<f32> {
    let of = |feature: usize| {
        let known = vec![sample[feature], low[feature], high[feature]];
        let mut values = candidates(trees, feature, known);
        values.retain(|value| (low[feature]..=high[feature]).contains(value));
        values
    };
    let (first, second) = (of(0), of(1));
    first.iter().flat_map(|&a| second.iter().flat_map(move |&b| [a, b])).collect()
}

fn apart(a: &[f32], b: &[f32]) -> f64 {
    let pairs = a.iter().zip(b);
    pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).abs()).fold(0.0, f64::max)
}

/// Hold what is said of a sample and of a box against all candidates.
fn check(
    model: &Trees,
    trees: &[Tree],
    sample: &[f32],
    ends: (f32, f32),
) -> Result<(), TestCaseError> {
    let label = model.classify(sample).unwrap()[0];
    let rows = inputs(trees, sample, &[0.0; FEATURES], &[1.0; FEATURES]);
    let labels = model.classify(&rows).unwrap();
    let flipped = rows.chunks(FEATURES).zip(&labels).filter(|(_, other)| **other != label);
    let nearest = flipped.map(|(row, _)| apart(row, sample)).fold(f64::INFINITY, f64::min);
    let found = model.minimal(sample, label, Some((0.0, 1.0)), None).unwrap();
    prop_assert_eq!((found.lower, found.upper), (nearest, nearest));
    if let Some(witness) = &found.witness {
        prop_assert_eq!(apart(witness, sample), nearest);
        prop_assert_ne!(model.classify(witness).unwrap()[0], label);
        prop_assert!(witness.iter().all(|value| (0.0..=1.0).contains(value)));
    }
    prop_assert_eq!(found.witness.is_some(), nearest.is_finite());
    let wrong = model.minimal(sample, label + 1, None, None).unwrap();
    prop_assert_eq!(wrong.upper, 0.0);

    let low = sample.iter().map(|value| value - ends.0).collect::<Vec<_>>();
    let high = sample.iter().map(|value| value + ends.1).collect::<Vec<_>>();
    let labels = model.classify(&inputs(trees, sample, &low, &high)).unwrap();
    match model.holds(&low, &high, label, None).unwrap() {
        Verdict::Holds => prop_assert!(labels.iter().all(|other| *other == label)),
        Verdict::Violated(witness) => {
            prop_assert_ne!(model.classify(&witness).unwrap()[0], label);
            let ends = low.iter().zip(&high);
            prop_assert!(witness.iter().zip(ends).all(|(v, (l, h))| (l..=h).contains(&v)));
        }
        Verdict::Unknown => prop_assert!(false, "there was no deadline"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn dumps_of_xgboost(trees in trees(weight()), sample in sample(), ends in (0.0_f32..0.4, 0.0_f32..0.4)) {
        check(&Trees::read(&dump(&trees)).unwrap(), &trees, &sample, ends)?;
    }

    #[test]
    fn two_classes_of_lightgbm(trees in trees(weight()), sample in sample(), ends in (0.0_f32..0.4, 0.0_f32..0.4)) {
        check(&Trees::read(&lightgbm(&trees, 2)).unwrap(), &trees, &sample, ends)?;
    }

    #[test]
    fn three_classes_of_lightgbm(trees in trees(weight()), sample in sample(), ends in (0.0_f32..0.4, 0.0_f32..0.4)) {
        let whole = &trees[..trees.len() / 3 * 3];
        check(&Trees::read(&lightgbm(whole, 3)).unwrap(), whole, &sample, ends)?;
    }

    #[test]
    fn margins_in_onnx(trees in trees(weight()), base in prop_oneof![weight(), Just(0.5)], sample in sample(), ends in (0.0_f32..0.4, 0.0_f32..0.4)) {
        let more = [floats("base_values", [base]), attribute("post_transform", 3, text(4, "LOGISTIC"))];
        let model = onnx(&trees, 2, &|value| vec![(0, value)], &more, &["Identity"]);
        check(&Trees::of_model(&model).unwrap().unwrap(), &trees, &sample, ends)?;
    }

    #[test]
    fn forests_of_two_classes_in_onnx(trees in trees((0_u8..2).prop_map(f64::from)), sample in sample(), ends in (0.0_f32..0.4, 0.0_f32..0.4)) {
        let share = 1.0 / trees.len() as f64;
        let model = onnx(&trees, 2, &|value| vec![(0, value * share)], &[], &[]);
        check(&Trees::of_model(&model).unwrap().unwrap(), &trees, &sample, ends)?;
    }

    #[test]
    fn forests_of_three_classes_in_onnx(trees in trees((0_u8..3).prop_map(f64::from)), sample in sample(), ends in (0.0_f32..0.4, 0.0_f32..0.4)) {
        let share = 1.0 / trees.len() as f64;
        let votes = |value: f64| vec![(value as usize, share)];
        let model = onnx(&trees, 3, &votes, &[], &[]);
        check(&Trees::of_model(&model).unwrap().unwrap(), &trees, &sample, ends)?;
    }

    #[test]
    fn shares_of_three_classes_in_onnx(trees in trees(0.0..1.0_f64), sample in sample(), ends in (0.0_f32..0.4, 0.0_f32..0.4)) {
        let votes = |value: f64| vec![(0, value), (1, 1.0 - value), (2, 0.4)];
        let model = onnx(&trees, 3, &votes, &[], &[]);
        check(&Trees::of_model(&model).unwrap().unwrap(), &trees, &sample, ends)?;
    }
}

fn stump(threshold: f64) -> Vec<Tree> {
    let branches = [(0, threshold), (0, threshold), (0, threshold)];
    vec![Tree { branches, leaves: [-1.0, -1.0, 1.0, 1.0] }]
}

#[test]
fn a_distance_is_that_of_the_next_float() {
    let model = Trees::read(&dump(&stump(0.75))).unwrap();
    // `x < t` on the left.
    let found = model.minimal(&[0.5, 0.5], 0, None, None).unwrap();
    let expected = Distance { lower: 0.25, upper: 0.25, witness: Some(vec![0.75, 0.5]) };
    assert_eq!(found, expected);
    let model = Trees::read(&lightgbm(&stump(0.75), 2)).unwrap();
    // `x <= t` on the left.
    let found = model.minimal(&[0.5, 0.5], 0, None, None).unwrap();
    assert_eq!(found.witness, Some(vec![0.75_f32.next_up(), 0.5]));
    assert!(found.exact());
    assert_eq!(model.labels(), [0, 1]);
    let share = 1.0 / (1.0 + 1.0_f64.exp());
    let scores = model.scores(&[0.5, 0.5]).unwrap();
    assert!((scores[0] - (1.0 - share)).abs() < 1e-12 && (scores[1] - share).abs() < 1e-12);
}

/// At the distance where the sum is nearly zero nothing flips, and a leaf of that distance goes on to
/// where something does.
#[test]
fn a_leaf_in_reach_goes_on_out_of_reach() {
    let branches = |root, left| [root, left, (0, 0.0)];
    let trees = [
        Tree { branches: branches((1, 0.25), (0, 1.0)), leaves: [0.2, 0.0, 0.0, 0.2] },
        Tree { branches: branches((0, 0.875), (0, 0.0)), leaves: [0.0, 0.2, 0.0, 0.628] },
        Tree { branches: branches((0, 0.0), (0, 0.0)), leaves: [0.0, 0.0, 0.0, -0.4] },
    ];
    let model = Trees::read(&dump(&trees)).unwrap();
    let found = model.minimal(&[0.0, 0.0], 0, Some((0.0, 1.0)), None).unwrap();
    assert_eq!((found.lower, found.upper), (0.875, 0.875));
}

#[test]
fn what_cannot_be_reached_is_infinitely_far() {
    let model = Trees::read(&dump(&stump(0.75))).unwrap();
    let found = model.minimal(&[0.5, 0.5], 0, Some((0.0, 0.7)), None).unwrap();
    assert_eq!(found, Distance { lower: f64::INFINITY, upper: f64::INFINITY, witness: None });
}

#[test]
fn at_the_deadline_there_are_bounds() {
    let model = Trees::read(&dump(&stump(0.75))).unwrap();
    let found = model.minimal(&[0.5, 0.5], 0, None, Some(Instant::now())).unwrap();
    assert_eq!((found.lower, found.upper), (0.25, f64::INFINITY));
    let verdict = model.holds(&[0.0, 0.0], &[1.0, 1.0], 0, Some(Instant::now())).unwrap();
    assert_eq!(verdict, Verdict::Unknown);
    // What needs no search is settled all the same.
    let verdict = model.holds(&[0.0, 0.0], &[0.7, 1.0], 0, Some(Instant::now())).unwrap();
    assert_eq!(verdict, Verdict::Holds);
}

#[test]
fn samples_can_be_shared_among_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Trees::read(&dump(&stump(0.75))).unwrap());
}

#[test]
fn wrong_inputs_are_refused() {
    let model = Trees::read(&dump(&stump(0.75))).unwrap();
    assert!(model.classify(&[0.5]).is_err());
    assert!(model.classify(&[0.5, f32::NAN]).is_err());
    assert!(model.minimal(&[0.5, 0.5, 0.5, 0.5], 0, None, None).is_err());
    assert!(model.minimal(&[0.5, 0.5], 0, Some((1.0, 0.0)), None).is_err());
    assert!(model.minimal(&[0.5, 0.5], 0, Some((f32::NAN, 1.0)), None).is_err());
    assert!(model.holds(&[0.5, 0.5], &[0.5, 0.4], 0, None).is_err());
    assert!(model.holds(&[0.5, f32::NAN], &[0.5, 1.0], 0, None).is_err());
}

#[test]
fn what_is_no_classifier_of_thresholds_is_refused() {
    let why = |bytes: &[u8]| Trees::read(bytes).unwrap_err().to_string();
    let text = String::from_utf8(lightgbm(&stump(0.5), 2)).unwrap();
    let regression = text.replace("binary sigmoid:1", "regression");
    assert!(why(regression.as_bytes()).contains("expected a classifier"));
    // Zero goes right, where it would go left.
    let zero = text.replace("decision_type=2 2 2", "decision_type=4 4 4");
    assert!(why(zero.as_bytes()).contains("zero is missing"));
    let same = text.replace("decision_type=2 2 2", "decision_type=6 6 6");
    assert!(Trees::read(same.as_bytes()).is_ok());
    let categories = text
        .replace("decision_type=2 2 2", "decision_type=1 1 1\ncat_boundaries=0 1\ncat_threshold=1")
        .replace("num_cat=0", "num_cat=1")
        .replace("threshold=0.5 0.5 0.5", "threshold=0 0 0");
    assert!(why(categories.as_bytes()).contains("categories"));
    let vote = |value: f64| vec![(0, value)];
    let changed = onnx(&stump(0.5), 2, &vote, &[], &["Neg"]);
    assert!(Trees::of_model(&changed).unwrap_err().to_string().contains("changes classes"));
}
