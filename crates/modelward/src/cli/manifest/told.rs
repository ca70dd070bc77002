//! Manifests and differences, as people and programs read them.

use std::io::{self, Write};

use modelward_provenance::manifest::{
    Manifest,
    diff::{Changed, Comparison, Converted, Difference, Group, Missed, Named, Pair},
};

use crate::report::escape;

/// A manifest in one line.
pub(super) fn summary(manifest: &Manifest) -> String {
    let files = counted(manifest.files.len(), "file");
    let contents = manifest.contents.as_ref();
    let tensors = contents.map(|contents| {
        let groups = contents.row_groups.len();
        let tensors = counted(contents.tensors.len(), "tensor");
        if groups == 0 { tensors } else { format!("{tensors}, {}", counted(groups, "row group")) }
    });
    let tensors = tensors.map(|tensors| format!(", {tensors}")).unwrap_or_default();
    format!("{files}, {} bytes{tensors}, root sha256:{}", manifest.bytes(), manifest.root())
}

/// Differences as JSON.
pub(super) fn json(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, comparison)?;
    writeln!(out)
}

/// Differences, one a line.
pub(super) fn plain(
    comparison: &Comparison,
    now: &Manifest,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Comparison { changed, moved, removed, added, converted, tensors, row_groups, .. } =
        comparison;
    for Converted { from, to, tensors, renamed } in converted {
        let names = if *renamed { "the same elements under other names" } else { "all the same" };
        let (from, to) = (side(from), side(to));
        let tensors = counted(usize::try_from(*tensors).unwrap_or(usize::MAX), "tensor");
        writeln!(out, "converted  {from} -> {to}: {tensors}, {names}")?;
    }
    for Changed { path, to, bytes: (before, after), place, .. } in changed {
        let to = to.as_ref().map(|to| format!(" -> {}", escape(to))).unwrap_or_default();
        let lengths = match before == after {
            true => format!("{before} bytes"),
            false => format!("{before} bytes -> {after}"),
        };
        let place = place.as_ref().map(|place| {
            let count = usize::try_from(place.count).unwrap_or(usize::MAX);
            format!(", {} from {:#x} on", differ(count, "byte"), place.first)
        });
        let place = place.unwrap_or_default();
        writeln!(out, "changed    {}{to}: {lengths}{place}", escape(path))?;
    }
    for (from, to) in moved {
        writeln!(out, "moved      {} -> {}", escape(from), escape(to))?;
    }
    for path in removed {
        writeln!(out, "missing    {}", escape(path))?;
    }
    for path in added {
        writeln!(out, "new        {}", escape(path))?;
    }
    for pair in &tensors.changed {
        pair_line(pair, out)?;
    }
    for (what, pairs) in [("renamed", &tensors.renamed), ("moved", &tensors.moved)] {
        for (old, new) in pairs {
            writeln!(out, "{what:<10} tensor {} -> {}", name(old), name(new))?;
        }
    }
    for (what, list) in [("missing", &tensors.removed), ("new", &tensors.added)] {
        for tensor in list {
            writeln!(out, "{what:<10} tensor {}", name(tensor))?;
        }
    }
    for Group { file, index, rows } in row_groups {
        let what = match rows {
            (Some(before), Some(after)) if before == after => {
                format!("changed    row group {index} of {}: {before} rows", escape(file))
            }
            (Some(before), Some(after)) => {
                format!(
                    "changed    row group {index} of {}: {before} rows -> {after}",
                    escape(file)
                )
            }
            (Some(before), None) => {
                format!("missing    row group {index} of {}: {before} rows", escape(file))
            }
            (_, after) => {
                let after = after.unwrap_or(0);
                format!("new        row group {index} of {}: {after} rows", escape(file))
            }
        };
        writeln!(out, "{what}")?;
    }
    for Missed { side, file, part, why } in &comparison.unread {
        let part = part.as_ref().map(|part| format!(", `{}`", escape(part))).unwrap_or_default();
        writeln!(out, "unread     {}{part} ({side} side): {}", escape(file), escape(why))?;
    }
    if let Some(why) = comparison.not_compared {
        writeln!(out, "tensors were not compared: {why}; make the manifest with `--tensors`")?;
    }
    last(comparison, now, out)
}

/// The last line, which agrees with the exit code.
fn last(comparison: &Comparison, now: &Manifest, out: &mut dyn Write) -> io::Result<()> {
    let Comparison { changed, moved, removed, added, unread, tensors, row_groups, .. } = comparison;
    if !comparison.differs() {
        let unread = match unread.len() {
            0 => String::new(),
            count => format!(", {} not read", counted(count, "piece")),
        };
        return writeln!(out, "no difference: {}{unread}", summary(now));
    }
    let within = match (tensors.changed.len(), row_groups.len()) {
        (0, 0) => String::new(),
        (tensors, 0) => format!("; {} changed", counted(tensors, "tensor")),
        (0, groups) => format!("; {} changed", counted(groups, "row group")),
        (tensors, groups) => {
            let groups = counted(groups, "row group");
            format!("; {} and {groups} changed", counted(tensors, "tensor"))
        }
    };
    let (changed, moved) = (changed.len(), moved.len());
    let (removed, added) = (removed.len(), added.len());
    writeln!(
        out,
        "files: {changed} changed, {moved} moved, {removed} missing, {added} new{within}; different"
    )
}

fn pair_line(pair: &Pair, out: &mut dyn Write) -> io::Result<()> {
    let Pair { old, new, dtype, shape, place } = pair;
    let tensor = if old == new { name(old) } else { format!("{} -> {}", name(old), name(new)) };
    write!(out, "changed    tensor {tensor}: ")?;
    if dtype.0 != dtype.1 || shape.0 != shape.1 {
        let (before, after) = (described(&dtype.0, &shape.0), described(&dtype.1, &shape.1));
        return writeln!(out, "{before} -> {after}");
    }
    write!(out, "{}", described(&dtype.0, &shape.0))?;
    if let Some(Difference { index, old, new, count, unit }) = place {
        let index = index.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        let count = differ(usize::try_from(*count).unwrap_or(usize::MAX), unit);
        write!(out, ", {unit} [{index}] {old} -> {new}, {count}")?;
    }
    writeln!(out)
}

fn described(dtype: &str, shape: &[u64]) -> String {
    let shape = shape.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    format!("{} [{shape}]", escape(dtype))
}

fn name(named: &Named) -> String {
    match named.name.as_str() {
        "" => format!("of {}", escape(&named.file)),
        name => format!("`{}` of {}", escape(name), escape(&named.file)),
    }
}

fn side((files, format): &(Vec<String>, String)) -> String {
    let (format, more) = (escape(format), files.len().saturating_sub(1));
    let first = files.first().map(|file| escape(file)).unwrap_or_default();
    match more {
        0 => format!("{first} ({format})"),
        more => format!("{first} and {more} more ({format})"),
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// `1 element differs`, `2 elements differ`.
fn differ(count: usize, what: &str) -> String {
    let counted = counted(count, what);
    if count == 1 { format!("{counted} differs") } else { format!("{counted} differ") }
}
