//! Trees with known distances.

use std::{fs, path::Path};

use modelward_engine::{Limits, Result as Done, npz};
use modelward_lab::{
    budget::{Budget, Norm},
    exact,
    random::stream,
    trees::Trees,
};

/// Corners that are tried for each distance: a million for those of the corpus.
const CORNERS: usize = 6000;

/// Ensembles without ties: every distance, against that of integer programming; and corners of the box
/// that ends before it, none of which may change the answer.
pub(super) fn distances(corpus: &Path) -> Result<usize, String> {
    let folder = corpus.join("trees");
    let limits = Limits::default();
    let shown = |trouble: modelward_engine::Trouble| trouble.to_string();
    let (mut all, mut wrong, mut tried) = (0_usize, 0_usize, 0_usize);
    for (name, data) in [
        ("bc_xgb.json", "bc"),
        ("bc_xgb.ubj", "bc"),
        ("bc_lgbm.txt", "bc"),
        ("wine_xgb.json", "wine"),
        ("wine_lgbm.txt", "wine"),
    ] {
        let bytes = fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
        let trees = Trees::read(&bytes).map_err(shown)?;
        let arrays = npz::read_file(&folder.join(format!("{data}.npz")), &limits).map_err(shown)?;
        let stem = name.split('.').next().unwrap_or_default();
        let known = folder.join(format!("{stem}.expected.npz"));
        let known = npz::read_file(&known, &limits).map_err(shown)?;
        let (Some(x), Some(y), Some(distance)) =
            (arrays.get("x"), arrays.get("y"), known.get("distance"))
        else {
            return Err(format!("{name}: expected x, y and distance"));
        };
        let x = x.values::<f32>().map_err(shown)?;
        let (y, distance) = (y.ints().map_err(shown)?, distance.floats().map_err(shown)?);
        let rows = x.chunks(trees.features()).zip(&y).zip(&distance);
        for (at, ((sample, label), expected)) in rows.enumerate() {
            if expected.is_nan() {
                continue;
            }
            let found = trees.minimal(sample, *label, Some((0.0, 1.0)), None).map_err(shown)?;
            all = all.saturating_add(1);
            let close = found.upper == *expected || (found.upper - expected).abs() <= 1e-6;
            if !(found.exact() && close) {
                println!("{name}, sample {at}: expected {expected}, got {}", found.upper);
                wrong = wrong.saturating_add(1);
            }
            let seed = tried as u64;
            if found.upper.is_finite() && found.upper > 0.0 {
                tried = tried.saturating_add(CORNERS);
                if let Some(point) =
                    fallen(&trees, sample, *label, found.upper, seed).map_err(shown)?
                {
                    println!("{name}, sample {at}: {point:?} is nearer than {}", found.upper);
                    wrong = wrong.saturating_add(1);
                }
            }
        }
    }
    println!("distances {} of {all} as expected, {tried} corners", all.saturating_sub(wrong));
    Ok(if all == 0 { 1 } else { wrong })
}

/// The ensemble of treeVerification: no less robust than its clique bound says, and no more often wrong.
pub(super) fn published(corpus: &Path) -> Result<usize, String> {
    /// Published for the first 500 samples: the average bound, and the share broken at 0.3.
    const PUBLISHED: (f64, f64) = (0.395_18, 0.13);
    let folder = corpus.join("treeverify");
    let read = |name: &str| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    let shown = |trouble: modelward_engine::Trouble| trouble.to_string();
    let trees = Trees::read(&read("breast_cancer_robust.0008.json")?).map_err(shown)?;
    let text = String::from_utf8_lossy(&read("example_breast_cancer0.libsvm")?).into_owned();
    let (mut sum, mut broken, mut all) = (0.0, 0_u32, 0_u32);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let label = words.next().and_then(|word| word.parse::<f64>().ok()).unwrap_or(-1.0);
        let mut sample = vec![0.0_f32; trees.features()];
        for word in words {
            let (at, value) = word.split_once(':').unwrap_or_default();
            let place = at.parse::<usize>().ok().and_then(|at| sample.get_mut(at));
            if let (Some(place), Ok(value)) = (place, value.parse()) {
                *place = value;
            }
        }
        let found = trees.minimal(&sample, i64::from(label > 0.0), None, None).map_err(shown)?;
        sum += found.lower;
        broken = broken.saturating_add(u32::from(found.lower < 0.3));
        all = all.saturating_add(1);
    }
    let (average, error) = (sum / f64::from(all.max(1)), f64::from(broken) / f64::from(all.max(1)));
    println!("treeVerification: average {average:.5}, error {error} of {all} samples");
    Ok(usize::from(!(average >= PUBLISHED.0 && error <= PUBLISHED.1)))
}

/// A corner of the box within a distance, its border left out, that changes the answer.
fn fallen(
    trees: &Trees,
    sample: &[f32],
    label: i64,
    distance: f64,
    seed: u64,
) -> Done<Option<Vec<f32>>> {
    let Ok(eps) = exact::parse(&distance.next_down().to_string()) else { return Ok(None) };
    let ball = Budget { norm: Norm::Linf, eps, clip: Some((0.0, 1.0)) }.ball(sample);
    let mut random = stream(&[seed, 1]);
    let corners = (0..CORNERS).flat_map(|_| {
        let sides = ball.low.iter().zip(&ball.high);
        sides.map(|(low, high)| if random.bool() { *high } else { *low }).collect::<Vec<_>>()
    });
    let corners = corners.collect::<Vec<_>>();
    let labels = trees.classify(&corners)?;
    let rows = corners.chunks(trees.features()).zip(labels);
    Ok(rows.into_iter().find(|(_, said)| *said != label).map(|(row, _)| row.to_vec()))
}
