//! `modelward model info`: what a model takes, gives and costs.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use self::about::{About, Answer, Cost, Gradients, Plan, Port, Possible};
use crate::{
    cli::{
        Failure,
        model::{Engine, File},
    },
    report::escape,
};

mod about;

/// Say what a model takes and gives, whether it can be differentiated, and what it costs.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: File,
    /// Examples to plan for.
    #[arg(long, value_name = "N", default_value_t = 1)]
    batch: usize,
    /// Form of the description.
    #[arg(long, value_name = "FORM", default_value = "plain")]
    format: Form,
    #[command(flatten)]
    engine: Engine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Plain,
    Json,
}

const EXAMPLES: &str = "\
Examples:
  modelward model info resnet18.onnx
  modelward model info resnet18.onnx --batch 32 --format json";

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let how = arguments.engine.how()?;
    let path = &arguments.file.model;
    let model = arguments.engine.read(path)?;
    let about = About::of(path, &model, arguments.batch.max(1), how);
    let text = match arguments.format {
        Form::Plain => text(&about),
        Form::Json => {
            let json = serde_json::to_string_pretty(&about);
            ascii(&json.map_err(|error| Failure::new(error.to_string()))?) + "\n"
        }
    };
    io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))?;
    Ok(0)
}

/// JSON in ASCII alone: a name may hold what turns the direction of a line.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for sign in json.chars() {
        if sign.is_ascii() && sign != '\u{7f}' {
            text.push(sign);
        } else {
            for unit in sign.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// The description as people read it.
fn text(about: &About) -> String {
    let weights = &about.weights;
    let mut head = format!("{}  ", name(&about.file));
    if about.opset > 0 {
        head.push_str(&format!("opset {}, ", about.opset));
    }
    head.push_str(&format!(
        "{}, {}",
        counted(about.nodes, "node"),
        match weights.numbers {
            1 => "1 weight".to_owned(),
            numbers => format!("{} weights", amount(numbers as f64).trim_end()),
        }
    ));
    if !about.producer.is_empty() {
        head.push_str(&format!(" ({})", name(&about.producer)));
    }
    let ports = format!("{} -> {}", ports(&about.inputs), ports(&about.outputs));
    let mut lines = vec![format!("{head}    {ports}")];
    lines.push(format!("  gradient    {}", gradient(&about.gradient)));
    lines.push(format!("  plan        {}", plan(&about.plan)));
    if let Some(first) = weights.not_finite.first() {
        let count = counted(weights.not_finite.len(), "tensor");
        lines.push(format!("  weights     NaN or infinite in {count}, first `{}`", name(first)));
    }
    lines.join("\n") + "\n"
}

fn ports(ports: &[Port]) -> String {
    const MOST: usize = 6;
    let shown = ports.iter().take(MOST).map(|port| {
        let kind = name(&port.kind);
        format!("{} {kind}", name(&port.name))
    });
    let mut shown = shown.collect::<Vec<_>>();
    if ports.len() > MOST {
        shown.push(format!("and {} more", ports.len().saturating_sub(MOST)));
    }
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
}

fn gradient(gradient: &Gradients) -> String {
    let weights = match gradient.by_weights.possible {
        true => format!("yes ({} of {})", gradient.weights, gradient.of_weights),
        false => possible(&gradient.by_weights),
    };
    let ends = match gradient.ends_in.as_deref() {
        Some("logits") => "ends in logits".to_owned(),
        Some(operator) => format!("ends in {}", name(operator)),
        None => "ends in no operator".to_owned(),
    };
    let seen = match &gradient.preprocessing[..] {
        [] => "no preprocessing seen inside".to_owned(),
        steps => format!("preprocessing inside: {}", steps.join(", ")),
    };
    format!(
        "by inputs {}, by weights {weights}, per example {}    {ends}, {seen}",
        possible(&gradient.by_inputs),
        possible(&gradient.per_example),
    )
}

fn possible(possible: &Possible) -> String {
    match (possible.possible, &possible.why, &possible.node) {
        (true, _, _) => "yes".to_owned(),
        (false, Some(why), Some(node)) => format!("no (at {}: {})", escape(node), escape(why)),
        (false, Some(why), None) => format!("no ({})", escape(why)),
        (false, None, _) => "no".to_owned(),
    }
}

fn plan(plan: &Answer<Plan>) -> String {
    let plan = match plan {
        Answer::Known(plan) => plan,
        Answer::Unknown { why } => return format!("none: {}", escape(why)),
    };
    let operations = |cost: &Cost| format!("{}FLOP", amount(cost.flop as f64));
    let forward = &plan.forward;
    let (memory, flop) = match &plan.gradient {
        Some(gradient) => (
            format!("forward {}, gradient {}", bytes(forward.bytes), bytes(gradient.bytes)),
            format!("{} / {}", operations(forward), operations(gradient)),
        ),
        None => (format!("forward {}", bytes(forward.bytes)), operations(forward)),
    };
    format!(
        "{memory}; {flop}    batch {}, cpu {}, {}, micro-batch {}",
        plan.batch,
        plan.cpu,
        counted(plan.threads, "thread"),
        forward.micro_batch
    )
}

/// A name of the file on the screen: escaped, and no longer than a line.
fn name(name: &str) -> String {
    const MOST: usize = 80;
    let mut short = name.chars().take(MOST).collect::<String>();
    if name.chars().nth(MOST).is_some() {
        short.push('…');
    }
    escape(&short)
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A number with three digits and a letter for its thousands.
fn amount(number: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    for (size, unit) in UNITS {
        if number >= size {
            return format!("{:.2} {unit}", number / size);
        }
    }
    format!("{number:.0} ")
}

fn bytes(bytes: u64) -> String {
    const UNITS: [(f64, &str); 4] = [
        (1024_f64 * 1024.0 * 1024.0 * 1024.0, "TiB"),
        (1024_f64 * 1024.0 * 1024.0, "GiB"),
        (1024_f64 * 1024.0, "MiB"),
        (1024.0, "KiB"),
    ];
    for (size, unit) in UNITS {
        if bytes as f64 >= size {
            return format!("{:.1} {unit}", bytes as f64 / size);
        }
    }
    format!("{bytes} B")
}
