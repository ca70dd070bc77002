//! For people at a terminal, in the shape of rustc's messages.

use std::io::{self, Write};

use modelward_core::{Measurement, Report, Severity, Value, Verdict};

use crate::report::{
    Colour, escape,
    gaps::{Kind, by_kind, files_read},
    group::{Group, at, brief, by_cause, plural, shown},
};

pub(super) fn write(report: &Report, colour: Colour, out: &mut dyn Write) -> io::Result<()> {
    for measurement in &report.measurements {
        for line in &measurement.lines {
            writeln!(out, "{}", escape(line).trim_end())?;
        }
        writeln!(out)?;
    }
    let groups = by_cause(report);
    let same_rule =
        |a: &Group<'_>, b: &Group<'_>| (a.severity, a.rule.id) == (b.severity, b.rule.id);
    for of_rule in groups.chunk_by(same_rule) {
        for each in of_rule.iter().take(CAUSES) {
            group(each, colour, out)?;
        }
        let more = of_rule.iter().skip(CAUSES).map(|group| group.findings.len()).sum();
        if let (Some(first), 1..) = (of_rule.first(), more) {
            let found = plural(more, "finding");
            writeln!(
                out,
                "{}: {more} more {found}; `--format json` lists all\n",
                head(first, colour)
            )?;
        }
    }
    gaps(report, out)?;
    writeln!(out, "{}", counts(report))
}

fn group(group: &Group<'_>, colour: Colour, out: &mut dyn Write) -> io::Result<()> {
    let Group { rule, verdict, findings, .. } = group;
    let Some(first) = findings.first() else { return Ok(()) };
    // Of a signature it is the finding that matters: who signed, which file changed.
    let headline = is_of_provenance(group) && findings.len() == 1;
    let title = if headline { brief(&escape(&first.message)) } else { rule.title.to_owned() };
    writeln!(out, "{}: {title}", head(group, colour))?;
    for finding in findings.iter().take(PLACES) {
        let place = escape(&finding.place.to_string());
        match at(finding) {
            Some(at) if !is_of_provenance(group) => {
                writeln!(out, "  --> {place} at byte {at:#x}")?;
            }
            _ => writeln!(out, "  --> {place}")?,
        }
    }
    if let more @ 1.. = findings.len().saturating_sub(PLACES) {
        writeln!(
            out,
            "  ... and the same at {more} more {}; `--format json` lists all",
            plural(more, "place")
        )?;
    }
    let (shown, message) = (escape(&shown(first)), escape(&first.message));
    if !headline || !message.contains(&shown) {
        writeln!(out, "   |  {}", brief(shown.trim()))?;
    }
    if !headline && message != shown && !message.is_empty() {
        writeln!(out, "   = note: {}", brief(&message))?;
    }
    writeln!(out, "   = help: {}", advice(rule.advice))?;
    if let Some(entry) = &first.allow {
        writeln!(out, "   = allow: modelward policy add {} --reason WHY", quoted(entry))?;
    }
    if **verdict == Verdict::Warn {
        writeln!(out, "   = note: below the level that fails the run")?;
    }
    writeln!(out, "   = more: modelward explain {}\n", rule.id)
}

fn gaps(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for Kind { rule, gaps } in by_kind(report, GAPS) {
        for gap in gaps {
            let place = escape(&gap.place.to_string());
            write!(out, "unread  {place}: {}", brief(&escape(&gap.why)))?;
            match gap.at {
                Some(at) if at > 0 || gap.rule == UNKNOWN_FORMAT => writeln!(out, " at byte {at}")?,
                _ => writeln!(out)?,
            }
        }
        writeln!(out, "   = help: {}", advice(rule.advice))?;
        writeln!(out, "   = more: modelward explain {}\n", rule.id)?;
    }
    if let more @ 1.. = report.unread.len().saturating_sub(GAPS) {
        writeln!(out, "unread  {more} more {}; `--format json` lists all", plural(more, "piece"))?;
    }
    for skipped in report.skipped.iter().take(GAPS) {
        let (place, why) = (skipped.place.to_string(), &skipped.why);
        writeln!(out, "skipped {}: {}", escape(&place), escape(why))?;
    }
    if let more @ 1.. = report.skipped.len().saturating_sub(GAPS) {
        writeln!(out, "skipped {more} more {}; `--format json` lists all", plural(more, "piece"))?;
    }
    Ok(())
}

/// The last line: what was done, in numbers.
fn counts(report: &Report) -> String {
    let Report { unread, checks, judged, seconds, .. } = report;
    let files = files_read(report);
    let (unread, findings) = (unread.len(), judged.len());
    let [file, check, finding] = [(files, "file"), (*checks, "check"), (findings, "finding")]
        .map(|(n, word)| plural(n, word));
    let (denied, allowed) = (report.denied(), report.allowed());
    if let Some(verification) = report.measurements.iter().find(|each| each.kind == "verification")
    {
        return verified(report, verification);
    }
    let models = report.measurements.iter().filter(|each| each.kind == "lock");
    let models = models.flat_map(|each| &each.fields).find_map(|(name, value)| match value {
        Value::List(models) if *name == "models" => Some(models.len()),
        _ => None,
    });
    if let Some(models) = models {
        let model = plural(models, "model");
        return format!(
            "{models} {model}, {unread} unread, {findings} {finding} ({denied} denied, {allowed} allowed) in {seconds:.2} s"
        );
    }
    if let experiments @ 1.. = report.measurements.len()
        && *checks == 0
    {
        let experiment = plural(experiments, "experiment");
        return format!(
            "{experiments} {experiment}, {findings} {finding} ({denied} denied, {allowed} allowed) in {seconds:.2} s"
        );
    }
    format!(
        "{files} {file} read, {unread} unread, {checks} {check}, {findings} {finding} \
         ({denied} denied, {allowed} allowed) in {seconds:.2} s"
    )
}

/// The last line of a verification: what became of the files, and the verdict.
fn verified(report: &Report, verification: &Measurement) -> String {
    let count = |name: &str| {
        verification.fields.iter().find_map(|(known, value)| match value {
            Value::Count(count) if *known == name => Some(*count),
            _ => None,
        })
    };
    let [files, same, changed, missing, unsigned] =
        ["files", "match", "changed", "missing", "unsigned"].map(|name| count(name).unwrap_or(0));
    let verdict = match report.verdict() {
        "denied" => "denied".to_owned(),
        "unread" => format!("not verified as a whole, {} unread", report.unread.len()),
        _ => "verified".to_owned(),
    };
    let file = if files == 1 { "file" } else { "files" };
    format!(
        "{files} {file}: {same} match, {changed} changed, {missing} missing, {unsigned} unsigned; {verdict}"
    )
}

/// Whether a group is of the family that speaks of signatures.
fn is_of_provenance(group: &Group<'_>) -> bool {
    group.rule.id.starts_with("MW2")
}

/// Advice as the tail of a line: it begins small and has no full stop.
fn advice(text: &str) -> String {
    let text = text.strip_suffix('.').unwrap_or(text);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// A word for a shell, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", escape(word).replace('\'', "'\\''"))
}

/// The severity and the rule of a group, `critical[MW1101]`.
fn head(group: &Group<'_>, colour: Colour) -> String {
    let Group { severity, rule, .. } = group;
    let code = match severity {
        Severity::Critical => "1;31",
        Severity::High => "31",
        Severity::Medium => "33",
        Severity::Low => "36",
        Severity::Info => "2",
    };
    match colour {
        Colour::On => format!("\x1b[{code}m{severity}[{}]\x1b[0m", rule.id),
        Colour::Off => format!("{severity}[{}]", rule.id),
    }
}

/// The rule of what nothing recognises.
const UNKNOWN_FORMAT: &str = "MW0001";
/// Causes of one rule that are shown in full.
const CAUSES: usize = 12;
/// Places of one cause that are named.
const PLACES: usize = 100;
/// Gaps that are named.
const GAPS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn text(report: &Report, colour: Colour) -> String {
        let mut out = Vec::new();
        write(report, colour, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn golden() {
        insta::assert_snapshot!(text(&samples::usual(), Colour::Off));
    }

    #[test]
    fn hostile_text_stays_in_its_line() {
        let text = text(&samples::hostile(), Colour::Off);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn five_hundred_equal_findings_are_one_cause() {
        let text = text(&samples::repeated(500), Colour::Off);
        assert!(text.lines().count() < 115, "{text}");
        assert!(text.contains("and the same at 400 more places; `--format json`"), "{text}");
    }

    #[test]
    fn colours_add_nothing_to_the_words() {
        let coloured = text(&samples::usual(), Colour::On);
        let mut words = String::new();
        for (i, part) in coloured.split('\x1b').enumerate() {
            words.push_str(if i == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(words, text(&samples::usual(), Colour::Off));
    }
}
