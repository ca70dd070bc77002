//! For people who would rather read a page: one file, no script, nothing from elsewhere.
//!
//! The verdict comes first, then the findings by cause with their evidence, then what was not
//! read, then the files. The page forbids itself every script and every load but that of pictures it
//! holds itself, so that even a mistake in the escaping of hostile text could not run anything.

use std::io::{self, Write};

use modelward_core::{Outcome, Report, ScannedFile, Severity, Verdict};

use crate::{
    report::{
        escape,
        gaps::{Kind, by_kind, files_read},
        group::{Group, at, brief, by_cause, plural, shown},
        hex,
    },
    standards,
};

mod exhibits;
mod text;

use text::{html, prose, size};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let title = report.target.iter().map(|target| html(target)).collect::<Vec<_>>().join(", ");
    writeln!(out, "{HEAD}<title>modelward: {title}</title>\n<style>\n{STYLE}</style>\n<main>")?;
    verdict(report, &title, out)?;
    measurements(report, out)?;
    findings(report, out)?;
    exhibits::write(report, out)?;
    unread(report, out)?;
    allowed(report, out)?;
    files(report, out)?;
    let version = env!("CARGO_PKG_VERSION");
    let done = match report.measurements.is_empty() {
        true => "Nothing of the model was loaded or run.",
        false if is_of_data(report) => "The data were read; nothing in them was loaded or run.",
        false if measures_data(report) => {
            "Nothing of the model was loaded or run. The data were read; nothing in them was loaded or run."
        }
        false => "The model was computed by modelward itself; none of its code was run.",
    };
    writeln!(out, "<footer>modelward {version}. {done}</footer>\n</main>")
}

fn verdict(report: &Report, title: &str, out: &mut dyn Write) -> io::Result<()> {
    let worst = report.judged.iter().filter(|(_, verdict)| *verdict == Verdict::Deny);
    let worst = worst.map(|(finding, _)| finding.severity).max();
    let (kind, words, then) = match report.verdict() {
        "denied" if is_of_data(report) || denies_data(report) => (
            if worst < Some(Severity::High) { "unread" } else { "denied" },
            "Do not train on this as it is",
            "What follows was found in the data, and the policy does not let it through.",
        ),
        "denied" if worst < Some(Severity::High) => (
            "unread",
            "Not proven safe",
            "Something in it is not known to be harmless, and the policy does not let it through.",
        ),
        "denied" if is_experiment(report) => (
            "denied",
            "The experiments say no",
            "What follows was measured, and the policy does not let it through.",
        ),
        "denied" => (
            "denied",
            "Do not load this model",
            "What follows was found in it, and the policy does not let it through.",
        ),
        "unread" => (
            "unread",
            "Not proven safe",
            "Nothing was found that the policy denies, but a part could not be read.",
        ),
        _ => ("clean", "Nothing was found that the policy denies", passed(report)),
    };
    writeln!(
        out,
        "<header class=\"{kind}\">\n<p class=\"target\">{title}</p>\n<h1>{words}</h1>\n<p>{then}</p>"
    )?;
    let numbers = [
        (report.denied(), "denied"),
        (
            report.judged.len().saturating_sub(report.denied()).saturating_sub(report.allowed()),
            "below the level",
        ),
        (report.allowed(), "allowed"),
        (report.unread.len(), "unread"),
    ];
    writeln!(out, "<ul class=\"counts\">")?;
    for (number, name) in numbers {
        writeln!(out, "<li><b>{number}</b> {name}</li>")?;
    }
    let (files, checks) = (files_read(report), report.checks);
    if is_experiment(report) {
        let (done, seconds) = (report.measurements.len(), report.seconds);
        let experiment = plural(done, if is_of_data(report) { "data set" } else { "experiment" });
        return writeln!(
            out,
            "</ul>\n<p class=\"done\">{done} {experiment} in {seconds:.2} s</p>\n</header>"
        );
    }
    let beside = match report.measurements.len() {
        0 => String::new(),
        more if measures_data(report) => format!(", {more} {}", plural(more, "data set")),
        more => format!(", {more} {}", plural(more, "experiment")),
    };
    writeln!(
        out,
        "</ul>\n<p class=\"done\">{files} {} read with {checks} {}{beside} in {:.2} s</p>\n</header>",
        plural(files, "file"),
        plural(checks, "check"),
        report.seconds
    )
}

/// Whether a report is of experiments alone: no check read anything.
fn is_experiment(report: &Report) -> bool {
    report.checks == 0 && !report.measurements.is_empty()
}

/// Whether a report is of data sets alone.
fn is_of_data(report: &Report) -> bool {
    is_experiment(report) && measures_data(report)
}

/// Whether all that was measured are data sets.
fn measures_data(report: &Report) -> bool {
    let mut measured = report.measurements.iter();
    !report.measurements.is_empty() && measured.all(|measured| measured.kind == "data")
}

/// Whether all that is denied was found in data sets: the model beside them may be loaded.
fn denies_data(report: &Report) -> bool {
    let denied = report.judged.iter().filter(|(_, verdict)| *verdict == Verdict::Deny);
    let mut rules = denied.map(|(finding, _)| finding.rule.id).peekable();
    rules.peek().is_some() && rules.all(|id| id.starts_with("MW3"))
}

/// What a run says that denies nothing and has read everything.
fn passed(report: &Report) -> &'static str {
    if is_of_data(report) {
        return "What the checks looked for was not found, or lies below the level that fails a run.";
    }
    if is_experiment(report) {
        return "The numbers below are what was measured.";
    }
    let (found, allowed) = (report.judged.len(), report.allowed());
    let all_clean = report.files.iter().all(|file| file.outcome <= Outcome::Clean);
    match (found, allowed) {
        (0, _) if all_clean && !report.files.is_empty() => {
            "Every file was read to its end, and every effect it has is known to be harmless."
        }
        (0, _) => "Everything that was found could be read to its end.",
        (_, 0) => {
            "Every file was read to its end. What was found lies below the level that fails a run."
        }
        _ if found == allowed => {
            "Every file was read to its end. What was found is let through by the policy, for the \
             reasons below; it is not proven harmless."
        }
        _ => {
            "Every file was read to its end. What was found is let through by the policy, for the \
             reasons below, or lies below the level that fails a run."
        }
    }
}

fn measurements(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.measurements.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>Measured</h2>")?;
    for measurement in &report.measurements {
        let lines = measurement.lines.iter().map(|line| html(line)).collect::<Vec<_>>();
        writeln!(out, "<pre>{}</pre>", lines.join("\n"))?;
        for picture in &measurement.pictures {
            exhibits::picture(picture, out)?;
        }
    }
    writeln!(out, "</section>")
}

fn findings(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let groups = by_cause(report);
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>Findings</h2>")?;
    for each in groups.iter().take(CAUSES) {
        group(each, out)?;
    }
    more(groups.len().saturating_sub(CAUSES), "cause", out)?;
    writeln!(out, "</section>")
}

fn group(group: &Group<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Group { rule, severity, verdict, findings } = group;
    let Some(first) = findings.first() else { return Ok(()) };
    let warned = if **verdict == Verdict::Warn { " <i>below the level</i>" } else { "" };
    writeln!(
        out,
        "<article class=\"{severity}\">\n<p class=\"tag\"><b>{severity}</b> {}{warned}</p>\n<h3>{}</h3>",
        rule.id,
        sentence(rule.title)
    )?;
    let shown = shown(first);
    writeln!(out, "<pre>{}</pre>", html(&brief(shown.trim())))?;
    if first.message != shown && !first.message.is_empty() {
        writeln!(out, "<p>{}</p>", prose(&sentence(&brief(&escape(&first.message)))))?;
    }
    writeln!(out, "<ul class=\"places\">")?;
    for finding in findings.iter().take(PLACES) {
        place(finding, out)?;
    }
    writeln!(out, "</ul>")?;
    if let rest @ [_, ..] = findings.get(PLACES..).unwrap_or_default() {
        writeln!(
            out,
            "<details><summary>and at {} more {}</summary>\n<ul class=\"places\">",
            rest.len(),
            plural(rest.len(), "place")
        )?;
        for finding in rest.iter().take(MORE_PLACES) {
            place(finding, out)?;
        }
        more(rest.len().saturating_sub(MORE_PLACES), "place", out)?;
        writeln!(out, "</ul></details>")?;
    }
    writeln!(out, "<p class=\"advice\">{}</p>", prose(rule.advice))?;
    if let Some(entry) = &first.allow {
        writeln!(
            out,
            "<p>To let exactly this through, add to the policy:</p>\n<pre>{}</pre>",
            html(entry)
        )?;
    }
    let standards = standards(rule.class);
    let cwe = if rule.cwe.is_empty() { standards.cwe.as_slice() } else { rule.cwe };
    let ids = cwe.iter().map(|number| format!("CWE-{number}")).chain(standards.ids.iter().cloned());
    let ids = ids.map(|id| html(&id)).collect::<Vec<_>>().join(", ");
    writeln!(
        out,
        "<details><summary>Why this is a danger</summary>\n<p>{}</p>\n<p class=\"ids\">{} · {ids}</p></details>\n</article>",
        prose(rule.why),
        rule.name
    )
}

fn place(finding: &modelward_core::Finding, out: &mut dyn Write) -> io::Result<()> {
    let place = html(&finding.place.to_string());
    match at(finding) {
        Some(at) => writeln!(out, "<li><code>{place}</code> <span>at byte {at:#x}</span></li>"),
        None => writeln!(out, "<li><code>{place}</code></li>"),
    }
}

fn unread(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.unread.is_empty() && report.skipped.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>Not read</h2>")?;
    for Kind { rule, gaps } in by_kind(report, ROWS) {
        writeln!(out, "<ul class=\"rows\">")?;
        for gap in gaps {
            let (place, why) = (html(&gap.place.to_string()), prose(&brief(&escape(&gap.why))));
            writeln!(out, "<li><code>{place}</code> <span>{why}</span></li>")?;
        }
        let (id, advice) = (rule.id, prose(rule.advice));
        writeln!(out, "</ul>\n<p class=\"advice info\">{advice} <small>{id}</small></p>")?;
    }
    more(report.unread.len().saturating_sub(ROWS), "piece", out)?;
    if !report.skipped.is_empty() {
        writeln!(out, "<ul class=\"rows\">")?;
        for skipped in report.skipped.iter().take(ROWS) {
            let (place, why) = (html(&skipped.place.to_string()), prose(&escape(&skipped.why)));
            writeln!(
                out,
                "<li class=\"skipped\"><code>{place}</code> <span>left out on purpose: {why}</span></li>"
            )?;
        }
        writeln!(out, "</ul>")?;
        more(report.skipped.len().saturating_sub(ROWS), "piece", out)?;
    }
    writeln!(out, "</section>")
}

fn allowed(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.allowed() == 0 {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>Let through by the policy</h2>\n<ul class=\"rows\">")?;
    let judged = report.judged.iter().filter_map(|(finding, verdict)| match verdict {
        Verdict::Allow(reason) => Some((finding, reason)),
        Verdict::Deny | Verdict::Warn => None,
    });
    for (finding, reason) in judged.take(ROWS) {
        let (place, reason) = (html(&finding.place.to_string()), html(reason));
        writeln!(
            out,
            "<li><code>{place}</code> <span>{} {}: {reason}</span></li>",
            finding.rule.id, finding.rule.name
        )?;
    }
    more(report.allowed().saturating_sub(ROWS), "finding", out)?;
    writeln!(out, "</ul>\n</section>")
}

fn files(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.files.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>Files</h2>\n<ul class=\"files\">")?;
    let mut files = report.files.iter().collect::<Vec<_>>();
    files.sort_by(|a, b| b.outcome.cmp(&a.outcome).then(a.path.cmp(&b.path)));
    for file in files.into_iter().take(ROWS) {
        row(file, out)?;
    }
    writeln!(out, "</ul>")?;
    more(report.files.len().saturating_sub(ROWS), "file", out)?;
    writeln!(out, "</section>")
}

fn row(file: &ScannedFile, out: &mut dyn Write) -> io::Result<()> {
    let (path, outcome) = (html(&file.path), file.outcome.name());
    writeln!(
        out,
        "<li><b class=\"{outcome}\">{outcome}</b> <code>{path}</code> <span>{}, {}</span>",
        html(file.format),
        size(file.bytes)
    )?;
    if let Some(digest) = &file.sha256 {
        writeln!(out, "<small>sha256 {}</small>", hex(digest))?;
    }
    writeln!(out, "</li>")
}

/// Say how many were not shown.
fn more(count: usize, word: &str, out: &mut dyn Write) -> io::Result<()> {
    if count == 0 {
        return Ok(());
    }
    writeln!(out, "<p>{count} more {}; the JSON report lists all.</p>", plural(count, word))
}

/// A line as a sentence's beginning.
fn sentence(line: &str) -> String {
    let mut letters = line.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
    <meta name=\"color-scheme\" content=\"light dark\">\n";
const STYLE: &str = include_str!("html/style.css");

const CAUSES: usize = 500;
const PLACES: usize = 3;
const MORE_PLACES: usize = 500;
const ROWS: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn page(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn golden() {
        insta::assert_snapshot!(page(&samples::usual()).replace(STYLE, ""));
    }

    #[test]
    fn hostile_text_is_text() {
        let page = page(&samples::hostile());
        let page = page.replace(STYLE, "");
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
        assert!(!page.chars().any(|c| c.is_control() && c != '\n') && !page.contains('\u{202e}'));
        insta::assert_snapshot!(page);
    }

    #[test]
    fn the_page_asks_for_nothing_from_elsewhere() {
        let page = page(&samples::usual());
        for word in ["http://", "https://", "src=", "href=", "url(", "@import", "<link", "onload"] {
            let page = page.replace("curl http://127.0.0.1", "");
            assert!(!page.contains(word), "{word}");
        }
    }

    #[test]
    fn the_page_calls_nothing_harmless_that_was_only_let_through() {
        let harmless = "every effect it has is known to be harmless";
        let mut report = samples::usual();
        report.unread.clear();
        report.files.truncate(1);
        report.judged.retain(|(_, verdict)| *verdict != Verdict::Deny);
        assert!(page(&report).contains("let through by the policy, for the reasons below, or"));
        report.judged.retain(|(_, verdict)| *verdict != Verdict::Warn);
        assert!(page(&report).contains("it is not proven harmless"));
        assert!(!page(&report).contains(harmless));
        report.judged.clear();
        assert!(page(&report).contains(harmless));
        report.files[0].outcome = Outcome::Unknown;
        assert!(!page(&report).contains(harmless));
    }

    #[test]
    fn every_severity_has_a_colour() {
        for severity in Severity::ALL {
            assert!(STYLE.contains(&format!(".{severity}")), "{severity}");
        }
    }
}
