//! The engine against a corpus of models with known answers: operator tests of ONNX, and models of
//! the usual exporters with outputs and gradients.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    panic,
    path::Path,
    sync::Arc,
};

use modelward_engine::{
    Data, Limits, Model, Tensor, exec,
    feed::{By, Objective, one_hot},
    grad::Loss,
    npz::{self, Arrays},
};
use modelward_formats::Bytes;
use zip::ZipArchive;

/// Hold the engine to the corpus; false where an answer is wrong that has to be right.
pub(crate) fn run(corpus: &Path, misses: bool, only: Option<&str>) -> Result<bool, String> {
    let mut right = true;
    right &= operators(corpus, misses, only)?;
    right &= models(corpus, misses, only)?;
    Ok(right)
}

/// The lines of a table of the corpus, each by the names of its columns.
pub(crate) type Table = Vec<BTreeMap<String, String>>;

/// Read a table of the corpus.
pub(crate) fn table(path: &Path) -> Result<Table, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default().split('\t').collect::<Vec<_>>();
    let row = |line: &str| {
        head.iter().zip(line.split('\t')).map(|(k, v)| (k.to_string(), v.to_owned())).collect()
    };
    Ok(lines.map(row).collect())
}

fn operators(corpus: &Path, misses: bool, only: Option<&str>) -> Result<bool, String> {
    let path = corpus.join("node-tests.zip");
    let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut archive = ZipArchive::new(file).map_err(|error| error.to_string())?;
    let mut tally: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in table(&corpus.join("node-tests.tsv"))? {
        let name = &row["name"];
        if only.is_some_and(|only| !name.contains(only) && row["operator"] != only) {
            continue;
        }
        let mut member = |file: &str| -> Result<Vec<u8>, String> {
            let mut member =
                archive.by_name(&format!("{name}/{file}")).map_err(|error| error.to_string())?;
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
            Ok(bytes)
        };
        let (model, inputs, outputs) =
            (member("model.onnx")?, member("in.npz")?, member("out.npz")?);
        let (rtol, atol) =
            (row["rtol"].parse().unwrap_or(1e-3), row["atol"].parse().unwrap_or(1e-7));
        let found = caught(|| operator(&model, &inputs, &outputs, rtol, atol));
        let entry = tally.entry(row["tier"].clone()).or_default();
        entry.1 = entry.1.saturating_add(1);
        match found {
            Ok(()) => entry.0 = entry.0.saturating_add(1),
            Err(why) => wrong.push((row["tier"].clone(), name.clone(), why)),
        }
    }
    for (tier, name, why) in wrong.iter().filter(|_| misses) {
        println!("  {tier} {name}: {}", why.chars().take(220).collect::<String>());
    }
    for (tier, (right, all)) in &tally {
        println!("operator tests, {tier}: {right} of {all}");
    }
    let reached = |tier: &str, share: f64| {
        tally.get(tier).is_none_or(|(right, all)| *right as f64 >= share * *all as f64)
    };
    Ok(reached("core", 1.0) && reached("wide", 0.95))
}

/// What a test says, also where it panics.
fn caught(test: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    panic::catch_unwind(panic::AssertUnwindSafe(test)).unwrap_or_else(|_| Err("PANIC".into()))
}

fn operator(
    model: &[u8],
    inputs: &[u8],
    outputs: &[u8],
    rtol: f64,
    atol: f64,
) -> Result<(), String> {
    let limits = Limits::default();
    let text = |trouble: modelward_engine::Trouble| trouble.to_string();
    let model = Model::from_bytes(Bytes::from(model), None, &limits).map_err(text)?;
    let inputs = npz::read(&Bytes::from(inputs), &limits).map_err(text)?;
    let expected = npz::read(&Bytes::from(outputs), &limits).map_err(text)?;
    let fed = model.feed(&inputs).map_err(text)?;
    let got = model.run(&fed, &limits).map_err(text)?;
    for (name, expected) in &expected {
        let got = got.get(name).ok_or_else(|| format!("no output `{name}`"))?;
        close(expected, got, rtol, atol).map_err(|why| format!("output `{name}`: {why}"))?;
    }
    Ok(())
}

/// Element by element, as numpy's `allclose`.
fn close(expected: &Tensor, got: &Tensor, rtol: f64, atol: f64) -> Result<(), String> {
    if expected.dims() != got.dims() {
        return Err(format!("expected {}, got {}", expected.kind(), got.kind()));
    }
    if let (Data::Text(expected), Data::Text(got)) = (expected.data(), got.data()) {
        return if expected == got { Ok(()) } else { Err("other texts".into()) };
    }
    if expected.element() != got.element() {
        return Err(format!("expected {}, got {}", expected.kind(), got.kind()));
    }
    let (rtol, atol) = match expected.data() {
        Data::F16(_) => (2e-3, 2e-3),
        Data::U8(_) | Data::I8(_) => (0.0, 1.0),
        _ => (rtol, atol),
    };
    let pair = expected.floats().and_then(|e| Ok((e, got.floats()?)));
    let (expected, got) = pair.map_err(|trouble| trouble.to_string())?;
    for (at, (e, g)) in expected.iter().zip(&got).enumerate() {
        let same = e == g || (e.is_nan() && g.is_nan());
        let off = (e - g).abs();
        if !same && (off.is_nan() || off > atol + rtol * e.abs()) {
            return Err(format!("element {at}: expected {e}, got {g}"));
        }
    }
    Ok(())
}

/// The largest difference as a share of the largest value.
pub(crate) fn apart(expected: &Tensor, got: &Tensor) -> Result<f64, String> {
    if expected.dims() != got.dims() {
        return Err(format!("expected {}, got {}", expected.kind(), got.kind()));
    }
    if let (Data::Text(expected), Data::Text(got)) = (expected.data(), got.data()) {
        return Ok(if expected == got { 0.0 } else { f64::INFINITY });
    }
    let pair = expected.floats().and_then(|e| Ok((e, got.floats()?)));
    let (expected, got) = pair.map_err(|trouble| trouble.to_string())?;
    let most = expected.iter().fold(0.0_f64, |most, value| most.max(value.abs())).max(1e-12);
    let off = expected.iter().zip(&got).map(|(e, g)| {
        let same = e == g || (e.is_nan() && g.is_nan());
        if same {
            0.0
        } else if (e - g).is_nan() {
            f64::INFINITY
        } else {
            (e - g).abs()
        }
    });
    Ok(off.fold(0.0, f64::max) / most)
}

fn models(corpus: &Path, misses: bool, only: Option<&str>) -> Result<bool, String> {
    let mut counts = [(0, 0); 2];
    let mut wrong = Vec::new();
    for row in table(&corpus.join("models.tsv"))? {
        let name = &row["name"];
        if only.is_some_and(|only| !name.contains(only)) {
            continue;
        }
        let folder = corpus.join("models").join(name);
        // Quantised models: one quantisation step.
        let most = if name.starts_with("ort-") { 2e-2 } else { 1e-4 };
        let forward = caught(|| forward(&folder, most));
        counts[0].1 += 1;
        match &forward {
            Ok(()) => counts[0].0 += 1,
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
        if row["objective"] == "-" {
            continue;
        }
        counts[1].1 += 1;
        match caught(|| gradients(&folder, &row["objective"])) {
            Ok(()) => counts[1].0 += 1,
            Err(why) => wrong.push(format!("{name} gradient: {why}")),
        }
    }
    for why in wrong.iter().filter(|_| misses) {
        println!("  {}", why.chars().take(260).collect::<String>());
    }
    for ((right, all), what) in counts.iter().zip(["forward", "gradients"]) {
        if *all > 0 {
            println!("models, {what}: {right} of {all}");
        }
    }
    Ok(wrong.is_empty())
}

fn load(folder: &Path) -> Result<(Model, Arrays), String> {
    let limits = Limits::default();
    let text = |trouble: modelward_engine::Trouble| trouble.to_string();
    let model = Model::read(&folder.join("model.onnx"), &limits).map_err(text)?;
    let inputs = npz::read_file(&folder.join("in.npz"), &limits).map_err(text)?;
    Ok((model, inputs))
}

fn forward(folder: &Path, most: f64) -> Result<(), String> {
    let text = |trouble: modelward_engine::Trouble| trouble.to_string();
    let limits = Limits::default();
    let (model, inputs) = load(folder)?;
    let expected = npz::read_file(&folder.join("out.npz"), &limits).map_err(text)?;
    let got = model.run(&model.feed(&inputs).map_err(text)?, &limits).map_err(text)?;
    for (name, expected) in &expected {
        let got = got.get(name).ok_or_else(|| format!("no output `{name}`"))?;
        let off = apart(expected, got)?;
        if off.is_nan() || off > most {
            return Err(format!("output `{name}` is off by {off:.1e}"));
        }
    }
    let fed = model.feed(&inputs).map_err(text)?;
    let planned = exec::run(&model.graph, &fed, exec::How::new(limits)).map_err(text)?;
    for (&id, planned) in model.graph.outputs.iter().zip(&planned) {
        let name = &*model.graph.value(id).name;
        let Some(expected) = expected.get(name) else { continue };
        let off = apart(expected, planned)?;
        if off.is_nan() || off > most {
            return Err(format!("planned: output `{name}` is off by {off:.1e}"));
        }
    }
    Ok(())
}

fn gradients(folder: &Path, objective: &str) -> Result<(), String> {
    let text = |trouble: modelward_engine::Trouble| trouble.to_string();
    let limits = Limits::default();
    let (model, arrays) = load(folder)?;
    let expected = npz::read_file(&folder.join("grad.npz"), &limits).map_err(text)?;
    let names = expected.keys().filter_map(|key| key.strip_prefix("grad_")).map(str::to_owned);
    let by = By::Names(names.collect());
    let objective = match objective {
        "ce" => Objective::Loss(Loss::CrossEntropy),
        _ => {
            let seeds = arrays.keys().filter_map(|key| key.strip_prefix("seed_"));
            Objective::Seeds(seeds.map(str::to_owned).collect())
        }
    };
    let mut fed = model.feed(&arrays).map_err(text)?;
    let derivative = model.derivative(&by, &objective, Some(&fed), false, &limits).map_err(text)?;
    if let Some(labels) = derivative.labels {
        let classes = derivative.known[0].kind(labels).map_or(0, |kind| kind.dims[1]);
        let given = arrays.get("y").ok_or("no labels")?;
        fed.push((labels, Arc::new(one_hot(given, classes).map_err(text)?)));
    }
    for (name, seed) in &derivative.seeds {
        let given = arrays.get(&format!("seed_{name}")).ok_or("no seed")?;
        fed.push((*seed, given.clone()));
    }
    let meter = modelward_engine::Meter::new(limits);
    let outputs =
        modelward_engine::exec::evaluate(&derivative.graph, &fed, &meter).map_err(text)?;
    let planned = exec::run(&derivative.graph, &fed, exec::How::new(limits)).map_err(text)?;
    let largest = |tensor: &Tensor| {
        let values = tensor.floats().unwrap_or_default();
        values.iter().fold(0.0_f64, |most, value| most.max(value.abs()))
    };
    let most = outputs.iter().map(|tensor| largest(tensor)).fold(0.0, f64::max);
    for ((at, planned), expected) in planned.iter().enumerate().zip(&outputs) {
        let off = apart(expected, planned)?;
        // A gradient that is 0 but for rounding has no bits of its own.
        let tiny = largest(expected) < 1e-5 * most;
        if off.is_nan() || (off > 1e-4 && !tiny) {
            return Err(format!("planned: output {at} is off by {off:.1e}"));
        }
    }
    let most = expected.iter().filter(|(name, _)| name.starts_with("grad_"));
    let most = most.map(|(_, tensor)| largest(tensor)).fold(0.0, f64::max);
    let skipped = outputs.len() - derivative.gradients.len();
    for ((name, _), got) in derivative.gradients.iter().zip(&outputs[skipped..]) {
        let expected = &expected[&format!("grad_{name}")];
        let mut off = apart(expected, got).map_err(|why| format!("by `{name}`: {why}"))?;
        if largest(expected) < 1e-5 * most {
            off *= largest(expected).max(1e-12) / most;
        }
        if off.is_nan() || off > 1e-4 {
            return Err(format!("by `{name}`: off by {off:.1e}"));
        }
    }
    Ok(())
}
