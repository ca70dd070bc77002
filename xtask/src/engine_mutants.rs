//! The engine against mutants of small models: messages of the wire format are changed where they
//! have a meaning, and their lengths repaired, so that the change is met deep inside and not at the
//! door. Each mutant is loaded and run in this process, under small limits.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    panic,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use modelward_engine::{
    Element, Kind, Limits, Model, Tensor, Trouble, Type, exec,
    feed::{By, Fed, Objective},
    graph::Dimension,
    npz,
};
use modelward_formats::Bytes;
use zip::ZipArchive;

/// The longest that a mutant may take.
const LONGEST: Duration = Duration::from_secs(10);

/// MiB of memory for this process: all models of the corpus, and one mutant at a time in 64 MiB for
/// its values, as much for its inputs and for what is given back.
const MOST_MEMORY: u64 = 512;

/// Models above this size are left out: most of their bytes are weights.
const LARGEST: usize = 64 << 10;

/// Hold the engine to mutants; false where one panics, or takes too long.
pub(crate) fn run(
    corpus: &Path,
    count: u64,
    seed: u64,
    keep: Option<&Path>,
) -> Result<bool, String> {
    let seeds = seeds(corpus)?;
    println!("{} models to begin with", seeds.len());
    let place: Arc<Mutex<String>> = Arc::default();
    let seen = place.clone();
    panic::set_hook(Box::new(move |about| {
        if let (Ok(mut seen), Some(at)) = (seen.lock(), about.location()) {
            *seen = format!("{at}: {about}").replace('\n', " ");
        }
    }));
    let now: Arc<Mutex<Running>> = Arc::default();
    let (late, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let watch = {
        let (now, late, ended) = (now.clone(), late.clone(), ended.clone());
        let keep = keep.map(Path::to_path_buf);
        std::thread::spawn(move || {
            let mut told = None;
            while !ended.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
                let Ok(now) = now.lock() else { return };
                let Some((since, mutant)) = now.as_ref() else { continue };
                if since.elapsed() > LONGEST && told != Some(*since) {
                    told = Some(*since);
                    late.fetch_add(1, Ordering::Relaxed);
                    println!(
                        "  still running after {LONGEST:?}: {}",
                        kept(keep.as_deref(), mutant)
                    );
                }
            }
        })
    };
    let mut random = Random::new(seed);
    let mut panics: BTreeMap<String, (u64, String)> = BTreeMap::new();
    let mut tally: BTreeMap<String, u64> = BTreeMap::new();
    let mut slowest = (Duration::ZERO, String::new());
    for _ in 0..count {
        let (name, model, inputs) = &seeds[random.below(seeds.len())];
        let mut mutant = model.clone();
        for _ in 0..=random.below(3) {
            mutant = mutated(&mutant, &mut random);
        }
        let started = Instant::now();
        if let Ok(mut now) = now.lock() {
            *now = Some((started, mutant.clone()));
        }
        let answer = panic::catch_unwind(panic::AssertUnwindSafe(|| tried(&mutant, inputs)));
        if let Ok(mut now) = now.lock() {
            *now = None;
        }
        let took = started.elapsed();
        if took > slowest.0 {
            let file = match took > Duration::from_secs(2) {
                true => kept(keep, &mutant),
                false => name.clone(),
            };
            slowest = (took, file);
        }
        let kind = match answer {
            Ok(Ok(())) => "runs".to_owned(),
            Ok(Err(trouble)) => format!("{:?}", trouble.kind).to_lowercase(),
            Err(_) => {
                let place = place.lock().map(|place| place.clone()).unwrap_or_default();
                let entry = panics.entry(place).or_insert_with(|| (0, kept(keep, &mutant)));
                entry.0 = entry.0.saturating_add(1);
                "panic".to_owned()
            }
        };
        *tally.entry(kind).or_default() += 1;
    }
    ended.store(true, Ordering::Relaxed);
    watch.join().map_err(|_| "the watch stopped")?;
    let _ = panic::take_hook();
    for (place, (times, file)) in &panics {
        println!("  {times} panics at {place} ({file})");
    }
    println!(
        "{count} mutants: {tally:?}; the slowest took {:.2} s ({})",
        slowest.0.as_secs_f64(),
        slowest.1
    );
    let peak = peak();
    println!("peak memory {peak} MiB");
    Ok(panics.is_empty() && late.load(Ordering::Relaxed) == 0 && peak <= MOST_MEMORY)
}

/// The most memory of this process so far, in MiB; 0 where the system does not say it.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes =
        line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0) >> 10
}

/// Keep a mutant that fails, and say where.
fn kept(folder: Option<&Path>, mutant: &[u8]) -> String {
    let Some(folder) = folder else { return "not kept".into() };
    let sum = mutant.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    let file = folder.join(format!("{sum:016x}.onnx"));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, mutant));
    match written {
        Ok(()) => file.display().to_string(),
        Err(error) => error.to_string(),
    }
}

/// The mutant that is being tried, and since when.
type Running = Option<(Instant, Vec<u8>)>;

type Seed = (String, Vec<u8>, npz::Arrays);

/// The small models of the corpus, with their inputs.
fn seeds(corpus: &Path) -> Result<Vec<Seed>, String> {
    let text = |error: std::io::Error| error.to_string();
    let limits = Limits::default();
    let mut seeds = Vec::new();
    let path = corpus.join("node-tests.zip");
    let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut archive = ZipArchive::new(file).map_err(|error| error.to_string())?;
    let names = archive
        .file_names()
        .filter_map(|name| Some(name.ok()?.strip_suffix("/model.onnx")?.to_owned()));
    let mut names = names.collect::<Vec<_>>();
    names.sort();
    for name in names {
        let mut member = |file: &str| -> Result<Vec<u8>, String> {
            let mut bytes = Vec::new();
            let member = archive.by_name(&format!("{name}/{file}"));
            member.map_err(|error| error.to_string())?.read_to_end(&mut bytes).map_err(text)?;
            Ok(bytes)
        };
        let (model, inputs) = (member("model.onnx")?, member("in.npz")?);
        let inputs = npz::read(&Bytes::from(&inputs[..]), &limits).unwrap_or_default();
        seeds.push((name, model, inputs));
    }
    let folders = fs::read_dir(corpus.join("models")).map_err(text)?;
    let mut folders =
        folders.filter_map(|entry| Some(entry.ok()?.path())).collect::<Vec<PathBuf>>();
    folders.sort();
    for folder in folders {
        let name = folder.display().to_string();
        let model = fs::read(folder.join("model.onnx")).map_err(text)?;
        let inputs = npz::read_file(&folder.join("in.npz"), &limits).unwrap_or_default();
        seeds.push((name, model, inputs));
    }
    let mut files = fs::read_dir(corpus.join("hostile"))
        .map_err(text)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
        .collect::<Vec<PathBuf>>();
    files.sort();
    for file in files {
        let model = fs::read(&file).map_err(text)?;
        seeds.push((file.display().to_string(), model, npz::Arrays::new()));
    }
    seeds.retain(|(_, model, _)| model.len() <= LARGEST);
    if seeds.is_empty() { Err("no small models in the corpus".into()) } else { Ok(seeds) }
}

/// Load, run, plan and differentiate.
fn tried(model: &[u8], inputs: &npz::Arrays) -> Result<(), Trouble> {
    let limits = Limits { memory: 64 << 20, flop: 100_000_000, nodes: 10_000, ..Limits::default() };
    let model = Model::from_bytes(Bytes::from(model), None, &limits)?;
    model.admit(&limits)?;
    let fed = fed(&model, inputs, &limits)?;
    let how = exec::How { threads: 1, ..exec::How::new(limits) };
    let planned = exec::run(&model.graph, &fed, how);
    // Each on its own: what one refuses, another may fall over.
    let told = model.run(&fed, &limits);
    for by in [By::Inputs, By::Weights] {
        let names = model.graph.outputs.first().map(|&id| model.graph.value(id).name.to_string());
        let of = Objective::Seeds(names.into_iter().collect());
        let Ok(derivative) = model.derivative(&by, &of, Some(&fed), false, &limits) else {
            continue;
        };
        let mut fed = fed.clone();
        for (_, id) in &derivative.seeds {
            let kind = derivative.known.first().and_then(|known| known.kind(*id));
            if let Some(seed) = kind.and_then(|kind| filled(kind.clone())) {
                fed.push((*id, Arc::new(seed)));
            }
        }
        let _ = exec::run(&derivative.graph, &fed, how);
    }
    told.map(|_| ())?;
    planned.map(|_| ())
}

/// The inputs that were made for the model, where they still fit, or ones.
fn fed(model: &Model, inputs: &npz::Arrays, limits: &Limits) -> Result<Fed, Trouble> {
    if let Ok(fed) = model.feed(inputs) {
        return Ok(fed);
    }
    let mut fed = Fed::new();
    for &id in &model.graph.inputs {
        let value = model.graph.value(id);
        let given = inputs.get(&*value.name);
        let declared = value.declared.as_ref();
        let tensor = match (given, declared) {
            (Some(given), Some(declared)) if declared.admits(&given.kind()) => given.clone(),
            (_, Some(declared)) => {
                let dims = declared.dims.iter().flatten().map(|dimension| match dimension {
                    Dimension::Fixed(size) => *size,
                    Dimension::Named(_) | Dimension::Any => 2,
                });
                let kind = Type::new(declared.element, dims.collect::<Vec<_>>());
                if kind.bytes()? > limits.memory / 8 {
                    return Err(Trouble::limit("an input too large to be tried"));
                }
                let filled = filled(kind);
                Arc::new(filled.ok_or_else(|| Trouble::new(Kind::Input, "an input of no numbers"))?)
            }
            (Some(given), None) => given.clone(),
            (None, None) => return Err(Trouble::new(Kind::Input, "an input without a type")),
        };
        fed.push((id, tensor));
    }
    Ok(fed)
}

fn filled(kind: Type) -> Option<Tensor> {
    let count = kind.count().ok()?;
    if kind.element == Element::Text {
        return Tensor::zeros(&kind).ok();
    }
    Tensor::new(kind.dims, vec![1_i64; count]).and_then(|tensor| tensor.cast(kind.element)).ok()
}

/// A field of a message.
#[derive(Clone, Debug)]
struct Field {
    number: u64,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Varint(u64),
    Fixed32([u8; 4]),
    Fixed64([u8; 8]),
    Message(Vec<Field>),
    Bytes(Vec<u8>),
}

/// Change a model in one place.
fn mutated(model: &[u8], random: &mut Random) -> Vec<u8> {
    // One in sixteen at the level of the wire.
    if random.below(16) == 0 || model.is_empty() {
        let mut bytes = model.to_vec();
        match random.below(3) {
            0 => bytes.truncate(random.below(bytes.len().saturating_add(1))),
            1 => bytes.extend((0..random.below(9)).map(|_| random.byte())),
            _ => {
                for _ in 0..=random.below(4) {
                    if !bytes.is_empty() {
                        let at = random.below(bytes.len());
                        bytes[at] = random.byte();
                    }
                }
            }
        }
        return bytes;
    }
    let Some(mut fields) = message(model, 0) else { return model.to_vec() };
    let all = fields.iter().map(size).sum::<usize>();
    if all == 0 {
        return model.to_vec();
    }
    let mut at = random.below(all);
    change(&mut fields, &mut at, random);
    let mut bytes = Vec::with_capacity(model.len());
    write(&fields, &mut bytes);
    bytes
}

/// How many fields there are in it, itself included.
fn size(field: &Field) -> usize {
    match &field.content {
        Content::Message(fields) => fields.iter().map(size).sum::<usize>().saturating_add(1),
        _ => 1,
    }
}

/// Change the field at this place, counted from the front; whether it was found.
fn change(fields: &mut Vec<Field>, at: &mut usize, random: &mut Random) -> bool {
    for index in 0..fields.len() {
        if *at == 0 {
            change_at(fields, index, random);
            return true;
        }
        *at -= 1;
        if let Content::Message(inner) = &mut fields[index].content
            && change(inner, at, random)
        {
            return true;
        }
    }
    false
}

fn change_at(fields: &mut Vec<Field>, index: usize, random: &mut Random) {
    const ODD: [u64; 24] = [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        11,
        16,
        31,
        64,
        127,
        255,
        1024,
        65_535,
        1 << 31,
        (1 << 32) - 1,
        1 << 32,
        1 << 62,
        i64::MAX as u64,
        1 << 63,
        u64::MAX,
    ];
    match random.below(10) {
        0 => {
            fields.remove(index);
            return;
        }
        1 => {
            let copy = fields[index].clone();
            fields.insert(index, copy);
            return;
        }
        2 => {
            let other = random.below(fields.len());
            fields.swap(index, other);
            return;
        }
        3 => {
            // What another field of the same form holds: another name, another type.
            let form = std::mem::discriminant(&fields[index].content);
            let alike = |field: &&Field| std::mem::discriminant(&field.content) == form;
            let others = fields.iter().filter(alike).collect::<Vec<_>>();
            let content = others[random.below(others.len())].content.clone();
            fields[index].content = content;
            return;
        }
        4 if random.below(4) == 0 => {
            fields[index].number = random.below(26).saturating_add(1) as u64;
            return;
        }
        _ => {}
    }
    match &mut fields[index].content {
        Content::Varint(value) => {
            *value = match random.below(4) {
                0 => value.wrapping_add(1),
                1 => value.wrapping_sub(1),
                2 => value.wrapping_neg(),
                _ => ODD[random.below(ODD.len())],
            }
        }
        Content::Fixed32(bytes) => {
            const FLOATS: [f32; 9] =
                [0.0, -0.0, 1.0, -1.0, 1e30, 1e-40, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
            *bytes = FLOATS[random.below(FLOATS.len())].to_le_bytes();
        }
        Content::Fixed64(bytes) => *bytes = ODD[random.below(ODD.len())].to_le_bytes(),
        Content::Message(inner) => {
            if !inner.is_empty() {
                let other = random.below(inner.len());
                change_at(inner, other, random);
            }
        }
        Content::Bytes(bytes) => match random.below(6) {
            0 => bytes.truncate(random.below(bytes.len().saturating_add(1))),
            1 => bytes.extend_from_within(..),
            2 if bytes.len() >= 8 => {
                // A number of a shape, an index, an end.
                let at = random.below(bytes.len() / 8) * 8;
                let odd = ODD[random.below(ODD.len())].to_le_bytes();
                bytes[at..at + 8].copy_from_slice(&odd);
            }
            3 if bytes.len() >= 4 => {
                const FLOATS: [f32; 6] = [0.0, -1.0, 1e30, f32::NAN, f32::INFINITY, 1e-40];
                let at = random.below(bytes.len() / 4) * 4;
                let odd = FLOATS[random.below(FLOATS.len())].to_le_bytes();
                bytes[at..at + 4].copy_from_slice(&odd);
            }
            4 => {
                const WORDS: [&str; 14] = [
                    "",
                    "x",
                    "y",
                    "axis",
                    "linear",
                    "nearest",
                    "cubic",
                    "SAME_UPPER",
                    "VALID",
                    "max",
                    "Relu",
                    "reflect",
                    "ij,jk->ik",
                    "...ii->i",
                ];
                *bytes = WORDS[random.below(WORDS.len())].as_bytes().to_vec();
            }
            _ if !bytes.is_empty() => {
                let at = random.below(bytes.len());
                bytes[at] = random.byte();
            }
            _ => {}
        },
    }
}

/// The fields of a message; bytes that are no message are left as they are.
fn message(bytes: &[u8], depth: usize) -> Option<Vec<Field>> {
    const DEEPEST: usize = 12;
    if depth > DEEPEST {
        return None;
    }
    let mut left = bytes;
    let mut fields = Vec::new();
    while !left.is_empty() {
        let key = varint(&mut left)?;
        let (number, wire) = (key >> 3, key & 7);
        if number == 0 || number > 64 {
            return None;
        }
        let content = match wire {
            0 => Content::Varint(varint(&mut left)?),
            1 => Content::Fixed64(take(&mut left, 8)?.try_into().ok()?),
            5 => Content::Fixed32(take(&mut left, 4)?.try_into().ok()?),
            2 => {
                let length = usize::try_from(varint(&mut left)?).ok()?;
                let inner = take(&mut left, length)?;
                // Text is a message by chance only.
                let is_text = !inner.is_empty() && inner.iter().all(|b| (0x20..0x7f).contains(b));
                match message(inner, depth + 1) {
                    Some(fields) if !is_text && !inner.is_empty() => Content::Message(fields),
                    _ => Content::Bytes(inner.to_vec()),
                }
            }
            _ => return None,
        };
        fields.push(Field { number, content });
    }
    Some(fields)
}

fn take<'a>(left: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = left.split_at_checked(length)?;
    *left = rest;
    Some(taken)
}

fn varint(left: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for at in 0..10 {
        let byte = take(left, 1)?[0];
        value |= u64::from(byte & 0x7f) << (7 * at).min(63);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn write(fields: &[Field], out: &mut Vec<u8>) {
    for Field { number, content } in fields {
        let key = |wire: u64| number << 3 | wire;
        match content {
            Content::Varint(value) => {
                put(out, key(0));
                put(out, *value);
            }
            Content::Fixed64(bytes) => {
                put(out, key(1));
                out.extend_from_slice(bytes);
            }
            Content::Fixed32(bytes) => {
                put(out, key(5));
                out.extend_from_slice(bytes);
            }
            Content::Bytes(bytes) => {
                put(out, key(2));
                put(out, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
            Content::Message(fields) => {
                let mut inner = Vec::new();
                write(fields, &mut inner);
                put(out, key(2));
                put(out, inner.len() as u64);
                out.extend_from_slice(&inner);
            }
        }
    }
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Numbers that are the same in each run (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below a number, or 0.
    fn below(&mut self, most: usize) -> usize {
        (self.next() >> 11).checked_rem(most as u64).unwrap_or(0) as usize
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }
}
