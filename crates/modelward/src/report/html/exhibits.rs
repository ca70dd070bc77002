//! What a measurement shows: pictures, tables with marked cells, bars of labels, how columns lie.

use std::io::{self, Write};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use modelward_core::{Cell, Exhibit, Picture, Report, Shown, Spread};

use super::text::html;

/// Write what all measurements show.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut exhibits = report.measurements.iter().flat_map(|of| &of.exhibits).peekable();
    if exhibits.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>To look at</h2>")?;
    for exhibit in exhibits {
        let Exhibit { title, about, shown } = exhibit;
        writeln!(out, "<div class=\"exhibit\">\n<h3>{}</h3>", html(title))?;
        if !about.is_empty() {
            writeln!(out, "<p class=\"about\">{}</p>", html(about))?;
        }
        match shown {
            Shown::Pictures(pictures) => {
                writeln!(out, "<div class=\"pictures\">")?;
                pictures.iter().try_for_each(|each| picture(each, out))?;
                writeln!(out, "</div>")?;
            }
            Shown::Table(head, rows) => table(head, rows, out)?,
            Shown::Bars(counts) => bars(counts, out)?,
            Shown::Columns(columns) => spreads(columns, out)?,
        }
        writeln!(out, "</div>")?;
    }
    writeln!(out, "</section>")
}

/// A picture with the line below it.
pub(super) fn picture(picture: &Picture, out: &mut dyn Write) -> io::Result<()> {
    let (data, caption) = (BASE64_STANDARD.encode(&picture.png), html(&picture.caption));
    writeln!(
        out,
        "<figure><img alt=\"\" src=\"data:image/png;base64,{data}\">\n<figcaption>{caption}</figcaption></figure>"
    )
}

fn table(head: &[String], rows: &[Vec<Cell>], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<div class=\"wide\"><table>\n<thead><tr>")?;
    head.iter().try_for_each(|name| writeln!(out, "<th>{}</th>", html(name)))?;
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for row in rows {
        writeln!(out, "<tr>")?;
        for Cell(parts) in row {
            let parts = parts.iter().map(|(text, marked)| match marked {
                true => format!("<mark>{}</mark>", html(text)),
                false => html(text),
            });
            writeln!(out, "<td>{}</td>", parts.collect::<String>())?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></div>")
}

/// How many there are of each, as bars beside one another's length.
fn bars(counts: &[(String, u64)], out: &mut dyn Write) -> io::Result<()> {
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    writeln!(out, "<table class=\"bars\">")?;
    for (name, count) in counts {
        let (name, width) = (html(name), share(*count, most, 240.0));
        writeln!(
            out,
            "<tr><th>{name}</th><td>{}</td><td>{count}</td></tr>",
            drawing(240.0, 12.0, &format!("<rect width=\"{width:.1}\" height=\"12\"/>"))
        )?;
    }
    writeln!(out, "</table>")
}

fn spreads(columns: &[Spread], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<table class=\"columns\">")?;
    for column in columns {
        let Spread { name, words, top, .. } = column;
        writeln!(out, "<tr><th>{}</th><td>", html(name))?;
        if !column.parts.is_empty() {
            writeln!(out, "{}", histogram(column))?;
        }
        let most = top.iter().map(|(_, count)| *count).max().unwrap_or(0);
        for (value, count) in top {
            let bar = format!("<rect width=\"{:.1}\" height=\"8\"/>", share(*count, most, 60.0));
            writeln!(
                out,
                "<div>{} {} <span>{count}</span></div>",
                drawing(60.0, 8.0, &bar),
                html(value)
            )?;
        }
        writeln!(out, "</td><td><span>{}</span></td></tr>", html(words))?;
    }
    writeln!(out, "</table>")
}

/// How many numbers lie where; below it the middle half as a bar with the median in it.
fn histogram(column: &Spread) -> String {
    let most = column.parts.iter().copied().max().unwrap_or(0);
    let each = WIDTH / column.parts.len() as f64;
    let mut shapes = String::new();
    for (at, count) in column.parts.iter().enumerate().filter(|(_, count)| **count > 0) {
        // What is there at all is seen.
        let height = share(*count, most, HEIGHT).max(1.0);
        shapes.push_str(&format!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
            at as f64 * each,
            HEIGHT - height,
            each - 0.5,
        ));
    }
    let span = column.to - column.from;
    if let Some(quartiles) = column.quartiles.filter(|_| span > 0.0 && span.is_finite()) {
        let [first, middle, third] =
            quartiles.map(|number| ((number - column.from) / span).clamp(0.0, 1.0) * WIDTH);
        shapes.push_str(&format!(
            "<rect class=\"half\" x=\"{first:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"4\"/><rect class=\"median\" x=\"{:.1}\" y=\"{:.1}\" width=\"2\" height=\"8\"/>",
            HEIGHT + 4.0,
            (third - first).max(1.0),
            (middle - 1.0).max(0.0),
            HEIGHT + 2.0,
        ));
    }
    drawing(WIDTH, HEIGHT + 10.0, &shapes)
}

fn drawing(width: f64, height: f64, shapes: &str) -> String {
    format!(
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\">{shapes}</svg>"
    )
}

/// A count as a part of a length.
fn share(count: u64, most: u64, length: f64) -> f64 {
    if most == 0 { 0.0 } else { length * count as f64 / most as f64 }
}

/// Width and height of a histogram.
const WIDTH: f64 = 192.0;
const HEIGHT: f64 = 36.0;
