//! The numbers of an attack for people.

use modelward_lab::{
    exact,
    robustness::Robustness,
    statistics::clopper_pearson,
    trust::{Indicator, Reliability},
    victim::Gives,
};

use crate::cli::attack::{Arguments, Setting};

/// The lines of the report.
pub(super) fn lines(
    arguments: &Arguments,
    setting: &Setting,
    measured: &Robustness,
) -> Vec<String> {
    let all = measured.samples;
    let percent = |count: usize| 100.0 * count as f64 / all.max(1) as f64;
    let mut lines = vec![input(setting)];
    let wrong = all.saturating_sub(measured.right);
    lines.push(format!(
        "clean     {:.1} % of {all} ({wrong} already wrong, not attacked)",
        percent(measured.right)
    ));
    lines.push(format!(
        "{:<16}{:>6}  {:>8}  {:>10}  {:>6}",
        "step", "left", "robust", "evals", "CPU s"
    ));
    for step in &measured.steps {
        let evaluations = step.forward.saturating_add(step.backward);
        let stopped = step.stopped.map(|why| format!("  {why}")).unwrap_or_default();
        lines.push(format!(
            "{:<16}{:>6}  {:>6.1} %  {:>10}  {:>6.2}{stopped}",
            step.attack,
            step.left,
            percent(step.stood),
            thousands(evaluations),
            step.seconds
        ));
    }
    let proven = measured.proven == measured.stood && measured.proven > 0;
    let (low, high) = clopper_pearson(measured.stood as u64, all as u64, 0.95);
    lines.push(format!(
        "robust    {} {:.1} % [{:.1}, {:.1}] within {}{}; {}",
        if proven { "=" } else { "<=" },
        percent(measured.stood),
        100.0 * low,
        100.0 * high,
        setting.threat.shown,
        if arguments.targeted { ", towards a class that was drawn" } else { "" },
        if proven { PROVEN } else { NOT_PROVEN }
    ));
    if !measured.curve.is_empty() {
        let points = measured
            .curve
            .iter()
            .map(|point| format!("{:.3} {:.1} %", exact::float(&point.eps), percent(point.stood)));
        lines.push(format!("curve     {}", points.collect::<Vec<_>>().join(" | ")));
    }
    if setting.classes <= 20 {
        let each = measured.classes.iter().enumerate().filter(|(_, of)| of.samples > 0);
        let each = each.map(|(class, of)| {
            let name = setting.names.as_ref().and_then(|names| names.get(class).cloned());
            let name = name.unwrap_or_else(|| class.to_string());
            format!("{name} {}/{}", of.stood, of.samples)
        });
        lines.push(format!("classes   {}", each.collect::<Vec<_>>().join(" | ")));
    }
    if measured.gives != Gives::Gradients {
        let sent = setting.sent.map(|sent| format!("; {sent} samples were sent to it"));
        let sent = sent.unwrap_or_default();
        lines.push(format!("answers   {} and no gradient{sent}", measured.gives.name()));
    }
    let settled = measured.proven == measured.stood && measured.proven > 0;
    lines.push(match measured.reliability() {
        Reliability::Trustworthy if settled => SETTLED.to_owned(),
        _ => reliable(&measured.indicators, measured.cut),
    });
    if !measured.straightened.is_empty() {
        let nodes = measured.straightened.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        lines.push(format!("gradient  taken straight through {nodes}: it is zero there"));
    }
    if measured.draws > 1 {
        lines.push(format!(
            "random    the model draws numbers: each answer is the most frequent of {}",
            measured.draws
        ));
    }
    lines.push(witnesses(arguments, measured));
    lines
}

const PROVEN: &str = "what stands is proven to";
const NOT_PROVEN: &str = "what lies below is not proven: `modelward certify`";

fn input(setting: &Setting) -> String {
    let shape = setting.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
    let range = match setting.threat.budget.clip {
        Some((low, high)) => format!("range [{low}, {high}]"),
        None => "no range".to_owned(),
    };
    let convention = match &setting.found {
        Some(found) if !found.spec.is_none() => {
            let percent = |right: usize| 100.0 * right as f64 / found.samples.max(1) as f64;
            let raw = found.raw.map(|raw| format!("raw would be {:.1} %", percent(raw)));
            let raw = raw.unwrap_or_else(|| "raw does not fit".to_owned());
            format!(
                "`{}` ({:.1} % clean; {raw})    --preprocess none to override",
                found.spec,
                percent(found.right)
            )
        }
        _ => format!("preprocess `{}`", setting.spec),
    };
    format!("input     {shape}, {range}, {convention}")
}

const SETTLED: &str = "reliable  trustworthy: each sample is settled by the model's own structure, and \
                       no gradient is needed";

/// The line that says whether the number can be trusted, of a run that was `cut` or not.
pub(super) fn reliable(indicators: &[Indicator], cut: Option<&str>) -> String {
    let reliability = Reliability::of(indicators, cut);
    let raised = indicators.iter().filter(|found| found.raised());
    let raised = raised.map(|found| format!("{} {:.1} %", found.name, 100.0 * found.value));
    let cut = cut.unwrap_or_default();
    let why = match reliability {
        Reliability::Unknown => format!("{cut} before it was looked into"),
        Reliability::Trustworthy => {
            let names = indicators.iter().map(|found| found.name).collect::<Vec<_>>();
            format!("{} within their limits", names.join(", "))
        }
        Reliability::Unreliable => {
            let more = if cut.is_empty() { String::new() } else { format!("; {cut} behind that") };
            format!("{}{more}", raised.collect::<Vec<_>>().join(", "))
        }
    };
    format!("reliable  {}: {why}", reliability.name())
}

fn witnesses(arguments: &Arguments, measured: &Robustness) -> String {
    let count = measured.fallen.len();
    let lost = match measured.lost {
        0 => String::new(),
        lost => format!(", {lost} could not be confirmed and are not counted"),
    };
    match &arguments.witnesses {
        Some(path) => {
            format!("{count} witnesses judged again, exactly{lost} -> {}", path.display())
        }
        None => format!("{count} witnesses judged again, exactly{lost}"),
    }
}

/// A number as people read it: `8.2k`.
fn thousands(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..10_000_000 => format!("{:.1}k", number as f64 / 1e3),
        _ => format!("{:.1}M", number as f64 / 1e6),
    }
}
