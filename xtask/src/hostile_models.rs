//! The command against models made to harm whoever reads them: each in a process of its own, under
//! limits of time and memory, and held to the kind of answer that a table gives for it.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
    sync::Arc,
};

use modelward_engine::{
    Element, Tensor, Type,
    npz::{self, Arrays},
};
use modelward_formats::{Bytes, onnx};

use crate::command::{self, Ended};

/// CPU seconds and bytes of memory that a file may cost.
const MOST: (f64, u64) = (2.0, 256 << 20);

/// The same for the files of a million nodes, tensors or names.
const MOST_OF_MILLIONS: (f64, u64) = (5.0, 1 << 30);

/// What the message of each kind of refusal begins with, behind `error: `, or holds.
const KINDS: [(&str, &str); 5] = [
    ("malformed", "cannot read `"),
    ("graph", "is no valid model"),
    ("limit", "is over a limit"),
    ("outside", "reaches outside its folder"),
    ("unsupported", "cannot run `"),
];

/// Hold the command to the files; false where an answer is wrong.
pub(crate) fn run(folder: &Path, only: Option<&str>) -> Result<bool, String> {
    let text = |error: std::io::Error| error.to_string();
    let table = folder.with_extension("tsv");
    let table =
        fs::read_to_string(&table).map_err(|error| format!("{}: {error}", table.display()))?;
    let work = std::env::temp_dir().join(format!("hostile-models-{}", std::process::id()));
    fs::create_dir_all(&work).map_err(text)?;
    let binary = command::built()?;
    let (mut right, mut all) = (0_u32, 0_u32);
    let (mut slowest, mut largest) = (0.0_f64, 0_u64);
    for line in table.lines().skip(1) {
        let mut columns = line.split('\t');
        let (Some(name), Some(expected), _, Some(why)) =
            (columns.next(), columns.next(), columns.next(), columns.next())
        else {
            continue;
        };
        if only.is_some_and(|only| !name.contains(only)) {
            continue;
        }
        let packed = folder.join(format!("{name}.onnx.xz"));
        let millions = packed.exists();
        let file = if millions {
            let file = work.join(format!("{name}.onnx"));
            let to = File::create(&file).map_err(text)?;
            let done = Command::new("xz").arg("-dc").arg(&packed).stdout(to).status();
            if !done.map_err(text)?.success() {
                return Err(format!("xz cannot read {}", packed.display()));
            }
            file
        } else {
            folder.join(format!("{name}.onnx"))
        };
        let input = work.join("x.npz");
        npz::write(&input, &inputs(&file)).map_err(|trouble| trouble.to_string())?;
        let most = if millions { MOST_OF_MILLIONS } else { MOST };
        let output = work.join("out.npz");
        let accepted = why.contains("`runs` accepted")
            || why.contains("`runs` is accepted")
            || expected == "runs";
        let run = ["run", "--input", path(&input), "-o", path(&output), "--threads", "1"];
        for (verb, arguments) in [("run", &run[..]), ("info", &["info"][..])] {
            let mut arguments = arguments.to_vec();
            arguments.insert(1, path(&file));
            arguments.insert(0, "model");
            let ended = command::run(&binary, &arguments, &work, most)?;
            (slowest, largest) = (slowest.max(ended.cpu), largest.max(ended.memory));
            all = all.saturating_add(1);
            let judged = ended.judge((name, verb), expected, accepted, most);
            match judged {
                Ok(()) => right = right.saturating_add(1),
                Err(wrong) => println!("  {name} {verb}: {wrong}"),
            }
        }
        if millions {
            fs::remove_file(&file).map_err(text)?;
        }
    }
    fs::remove_dir_all(&work).map_err(text)?;
    println!(
        "hostile models: {right} of {all}, at most {slowest:.2} CPU s and {} MiB",
        largest >> 20
    );
    Ok(right == all)
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// Inputs as the file declares them: ones, true, 0 and on.
fn inputs(file: &Path) -> Arrays {
    const LARGEST: usize = 1 << 20;
    let read = fs::read(file).ok().and_then(|bytes| {
        let bytes = Bytes::from(&bytes[..]);
        onnx::read(&bytes, &onnx::Limits::default()).ok()
    });
    let graph = read.and_then(|model| model.graph);
    let declared = graph.map(|graph| graph.inputs).unwrap_or_default();
    let mut arrays = Arrays::new();
    for input in declared.iter().take(100) {
        let onnx::Type::Tensor(kind) = &input.kind else { continue };
        let Some(element) = Element::of_onnx(kind.data_type) else { continue };
        let mut dims = Vec::new();
        for dimension in kind.shape.iter().flatten() {
            dims.push(match dimension {
                onnx::Dimension::Size(size) => usize::try_from(*size).unwrap_or(1),
                _ => 1,
            });
        }
        let count = Type::new(element, dims.clone()).count().unwrap_or(usize::MAX);
        if count > LARGEST {
            dims = vec![1, 4];
        }
        if let Some(tensor) = filled(element, dims) {
            arrays.insert(input.name.clone(), Arc::new(tensor));
        }
    }
    if arrays.is_empty() {
        arrays.extend(filled(Element::F32, vec![1, 4]).map(|x| ("x".to_owned(), Arc::new(x))));
    }
    arrays
}

fn filled(element: Element, dims: Vec<usize>) -> Option<Tensor> {
    let count = dims.iter().product::<usize>();
    let values: Vec<i64> = match element.is_float() || element == Element::Bool {
        true => vec![1; count],
        false => (0..count).filter_map(|at| i64::try_from(at).ok()).collect(),
    };
    Tensor::new(dims, values).and_then(|tensor| tensor.cast(element)).ok()
}

impl Ended {
    /// What is wrong with this answer.
    fn judge(
        &self,
        (name, verb): (&str, &str),
        expected: &str,
        accepted: bool,
        most: (f64, u64),
    ) -> Result<(), String> {
        let error = String::from_utf8_lossy(&self.error);
        let first = error.lines().next().unwrap_or_default();
        let said = first.chars().take(160).collect::<String>();
        if self.stopped {
            return Err(format!("no answer in time: {said}"));
        }
        let Some(code) = self.code else { return Err(format!("ended by a signal: {said}")) };
        if !matches!(code, 0 | 2) || error.contains("panicked") {
            return Err(format!("exit {code}: {said}"));
        }
        let is_raw = |byte: &u8| (*byte < 0x20 && *byte != b'\n') || *byte == 0x7f;
        let bidi = ["\u{202e}", "\u{2066}", "\u{2067}", "\u{200f}", "\u{9b}"];
        let output = String::from_utf8_lossy(&self.output);
        if self.output.iter().chain(&self.error).any(is_raw)
            || bidi.iter().any(|sign| error.contains(sign) || output.contains(sign))
        {
            return Err("a raw control character on the screen".into());
        }
        if self.cpu > most.0 {
            return Err(format!("{:.1} CPU s: {said}", self.cpu));
        }
        if self.memory > most.1 {
            return Err(format!("{} MiB: {said}", self.memory >> 20));
        }
        if code == 0 {
            // Much is only known to be wrong when it runs.
            let fine = accepted || (verb == "info" && !matches!(expected, "malformed" | "outside"));
            return if fine { Ok(()) } else { Err(format!("expected `{expected}`, it ran")) };
        }
        if expected == "runs" {
            return Err(format!("expected it to run: {said}"));
        }
        let fits = |kind: &str| {
            let sign = KINDS.iter().find(|(name, _)| *name == kind).map_or("", |(_, sign)| sign);
            first.contains(sign)
        };
        // Its nodes stand in the wrong order, which is said before they are too many.
        let unordered = name == "quadratic-names" && fits("graph");
        match fits(expected) || unordered {
            true => Ok(()),
            false => Err(format!("expected `{expected}`: {said}")),
        }
    }
}
