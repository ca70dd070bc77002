//! Holds the lab to a corpus of published counterexamples, properties and trees with known answers.

use std::{fs, path::Path};

use modelward_engine::{Limits, Model, npz};
use modelward_lab::{
    file,
    property::{Counterexample, Network, Property, check},
    trees::Trees,
};

/// Run; whether every answer is that of the corpus.
///
/// # Errors
/// Where the corpus cannot be read.
pub(crate) fn run(corpus: &Path) -> Result<bool, String> {
    let wrong = [witnesses(corpus)?, trees(corpus)?];
    Ok(wrong == [0, 0])
}

/// Every published counterexample, against its exact judgement.
fn witnesses(corpus: &Path) -> Result<usize, String> {
    let limits = Limits::default();
    let table = corpus.join("witnesses/expected.csv");
    let text =
        fs::read_to_string(&table).map_err(|error| format!("{}: {error}", table.display()))?;
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default().split(',').collect::<Vec<_>>();
    let column = |name: &str| {
        let at = head.iter().position(|column| *column == name);
        at.ok_or_else(|| format!("expected a column `{name}`"))
    };
    let [witness, benchmark, onnx, vnnlib, judgement] = [
        column("witness")?,
        column("benchmark")?,
        column("onnx")?,
        column("vnnlib")?,
        column("judgement")?,
    ];
    let (mut all, mut wrong) = (0_usize, 0_usize);
    for line in lines {
        let fields = line.split(',').collect::<Vec<_>>();
        let of = |at: usize| fields.get(at).copied().unwrap_or_default();
        let folder = corpus.join("vnncomp").join(of(benchmark));
        let judged = || -> modelward_engine::Result<&'static str> {
            let bytes = |path: &Path| file::read(path, 1 << 30);
            let model = Model::from_bytes(bytes(&folder.join(of(onnx)))?, None, &limits)?;
            let property = Property::read(&bytes(&folder.join(of(vnnlib)))?)?;
            let point = bytes(&corpus.join("witnesses").join(of(witness)))?;
            let mut network = Network::new(&model, property.inputs, property.outputs, limits)?;
            Ok(check(&mut network, &property, &Counterexample::read(&point)?)?.verdict.name())
        };
        let got = judged().unwrap_or_else(|trouble| {
            println!("{}: {trouble}", of(witness));
            "refused"
        });
        all = all.saturating_add(1);
        if got != of(judgement) {
            println!("{}: expected {}, got {got}", of(witness), of(judgement));
            wrong = wrong.saturating_add(1);
        }
    }
    println!("witnesses {} of {all} judged as expected", all.saturating_sub(wrong));
    Ok(if all == 0 { 1 } else { wrong })
}

/// Ensembles without ties: every distance, against that of integer programming.
fn trees(corpus: &Path) -> Result<usize, String> {
    let folder = corpus.join("trees");
    let limits = Limits::default();
    let shown = |trouble: modelward_engine::Trouble| trouble.to_string();
    let (mut all, mut wrong) = (0_usize, 0_usize);
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
        }
    }
    println!("distances {} of {all} as expected", all.saturating_sub(wrong));
    Ok(if all == 0 { 1 } else { wrong })
}
