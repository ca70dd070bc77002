//! What was found, to look at: the rows that checks name as pictures, texts or tables with the cells marked,
//! and how the columns lie.
//!
//! Rows are read again for this, those alone that are shown, so that it is asked for only where somebody
//! will look. How much is shown is bounded, and what is left out is said. Credentials are never shown whole.

use std::collections::BTreeSet;

use arrow_schema::Schema;
use modelward_core::{Cell, Exhibit, Picture, Shown};

use crate::{Kind, Limits, Set, Unread, check::Checked, image_shape, kind};

mod canvas;
mod cases;
mod columns;
mod excerpt;
mod gather;

use self::{
    canvas::Frame,
    cases::{Case, Entry},
    gather::Gathered,
};

/// What there is to see of a set that was checked.
///
/// # Errors
/// Where rows cannot be read any more.
pub fn exhibits(
    set: &Set,
    test: Option<&Set>,
    checked: &Checked,
    limits: &Limits,
) -> Result<Vec<Exhibit>, Unread> {
    let cases = cases::of(checked);
    let rows = |of_test: bool| {
        let entries = cases.iter().flat_map(|case| &case.rows);
        let rows = entries.filter(|entry| entry.of_test == of_test).map(|entry| entry.row);
        rows.collect::<BTreeSet<_>>()
    };
    let plans = cases.iter().map(|case| Plan::of(case, set, checked)).collect::<Vec<_>>();
    let wanted = plans.iter().flat_map(Plan::fields).collect::<BTreeSet<_>>();
    let train = gather::rows(set, &rows(false), &wanted, limits)?;
    let tested = match test {
        Some(test) => {
            let same = wanted.iter().map(|at| set.schema.field(*at).name().as_str());
            let same = same.filter_map(|name| test.column(name)).collect();
            gather::rows(test, &rows(true), &same, limits)?
        }
        None => Gathered::default(),
    };
    let both = Both { set, train: &train, test: &tested, limits };
    let mut room = MOST_BYTES;
    let mut exhibits = Vec::new();
    for (case, plan) in cases.iter().zip(&plans) {
        exhibits.push(both.exhibit(case, plan, &mut room));
    }
    exhibits.extend(columns::balance(checked));
    exhibits.extend(columns::spreads(checked));
    Ok(exhibits)
}

/// How a case is shown: as pictures of a column, or as a table of these columns.
struct Plan {
    picture: Option<usize>,
    table: Vec<Shows>,
    label: Option<usize>,
    /// Columns that are left out of the table.
    left_out: usize,
}

/// A column of a table: the column of the set, and which of its numbers where it holds arrays.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shows {
    field: usize,
    item: Option<usize>,
    name: String,
}

impl Plan {
    fn of(case: &Case, set: &Set, checked: &Checked) -> Self {
        let schema = &set.schema;
        let label = checked.roles.label;
        let marked = case.rows.iter().flat_map(|entry| &entry.columns);
        let mut table: Vec<Shows> = Vec::new();
        let mut add = |shows: Option<Shows>, most: usize| {
            let new = shows.filter(|shows| Some(shows.field) != label && !table.contains(shows));
            table.extend(new.filter(|_| table.len() < most));
            table.len()
        };
        for name in marked {
            add(shows(schema, name), MOST_MARKED);
        }
        let fields = schema.fields();
        let is = |at: usize, wanted: fn(Kind) -> bool| {
            fields.get(at).is_some_and(|field| wanted(kind(field)))
        };
        let pictured = (0..fields.len()).find(|at| {
            is(*at, |kind| kind == Kind::Image)
                || fields.get(*at).is_some_and(|field| image_shape(field).is_some())
        });
        // A case of cells of other columns is shown by these.
        let picture = pictured.filter(|at| {
            let mut fields = case.rows.iter().flat_map(|entry| &entry.columns);
            fields.all(|name| shows(schema, name).is_none_or(|shows| shows.field == *at))
        });
        let texts = checked.roles.texts(schema);
        let rest = texts.into_iter().chain((0..fields.len()).filter(|at| {
            is(*at, |kind| !matches!(kind, Kind::Image | Kind::Bytes | Kind::Numbers(_)))
        }));
        for at in rest {
            add(shows(schema, fields[at].name()).map(|of| Shows { field: at, ..of }), MOST_COLUMNS);
        }
        for (at, field) in fields.iter().enumerate() {
            if let Kind::Numbers(width) = kind(field) {
                for item in 0..width.min(MOST_COLUMNS) {
                    let name = format!("{}[{item}]", field.name());
                    add(Some(Shows { field: at, item: Some(item), name }), MOST_COLUMNS);
                }
            }
        }
        let left_out = checked.columns.saturating_sub(table.len());
        Self { picture, table, label, left_out }
    }

    fn fields(&self) -> impl Iterator<Item = usize> + '_ {
        let table = self.table.iter().map(|shows| shows.field);
        table.chain(self.picture).chain(self.label)
    }
}

/// The column of a name, `x[3]` being a number of an array.
fn shows(schema: &Schema, name: &str) -> Option<Shows> {
    let at = |name: &str| schema.fields().iter().position(|field| field.name() == name);
    let (field, item) = match at(name) {
        Some(field) => (field, None),
        None => {
            let (array, item) = name.strip_suffix(']')?.rsplit_once('[')?;
            (at(array)?, Some(item.parse().ok()?))
        }
    };
    Some(Shows { field, item, name: name.to_owned() })
}

struct Both<'a> {
    set: &'a Set,
    train: &'a Gathered,
    test: &'a Gathered,
    limits: &'a Limits,
}

impl Both<'_> {
    fn exhibit(&self, case: &Case, plan: &Plan, room: &mut usize) -> Exhibit {
        let mut about = vec![case.about.clone()];
        let (shown, missing) = match plan.picture {
            Some(picture) => self.pictures(case, plan, picture, room),
            None => {
                if plan.left_out > 0 {
                    let more = plan.left_out;
                    about.push(format!("{more} more columns are not shown"));
                }
                self.table(case, plan, room)
            }
        };
        let more = case.more;
        if more > 0 {
            about.push(format!("{more} more are not shown; the JSON report lists all"));
        }
        if missing > 0 {
            about.push(format!("{missing} were too large to be shown"));
        }
        about.retain(|part| !part.is_empty());
        Exhibit { title: excerpt::long(&case.title), about: about.join("; "), shown }
    }

    fn side(&self, entry: &Entry) -> &Gathered {
        if entry.of_test { self.test } else { self.train }
    }

    fn pictures(
        &self,
        case: &Case,
        plan: &Plan,
        picture: usize,
        room: &mut usize,
    ) -> (Shown, usize) {
        let name = self.set.schema.field(picture).name();
        let shape = image_shape(self.set.schema.field(picture));
        let range = gather::range([self.train, self.test], name);
        let (mut pictures, mut missing) = (Vec::new(), 0);
        for entry in &case.rows {
            let side = self.side(entry);
            let canvas = side.picture(entry.row, name, shape, range, self.limits);
            let Some(mut canvas) = canvas else {
                missing += 1;
                continue;
            };
            frames(entry, shape).for_each(|frame| canvas.frame(frame));
            let Some(png) = canvas.png().filter(|png| png.len() <= *room) else {
                missing += 1;
                continue;
            };
            *room -= png.len();
            let label = plan.label.map(|at| self.set.schema.field(at).name());
            let label = label.and_then(|label| side.text(entry.row, label, None));
            let label = label.map(|label| format!(", labelled {}", excerpt::short(&label)));
            let of_test = if entry.of_test { "test row" } else { "row" };
            let mut caption = format!("{of_test} {}{}", entry.row, label.unwrap_or_default());
            if !entry.why.is_empty() {
                caption.push_str(&format!(": {}", excerpt::short(&entry.why)));
            }
            pictures.push(Picture { caption, png });
        }
        (Shown::Pictures(pictures), missing)
    }

    fn table(&self, case: &Case, plan: &Plan, room: &mut usize) -> (Shown, usize) {
        let label = plan.label.map(|at| self.set.schema.field(at).name().clone());
        let of_test = case.rows.iter().any(|entry| entry.of_test);
        let reasons = case.rows.iter().any(|entry| !entry.why.is_empty());
        let mut head = vec!["row".to_owned()];
        head.extend(label.clone());
        head.extend(plan.table.iter().map(|shows| excerpt::short(&shows.name)));
        head.extend(reasons.then(|| "why".to_owned()));
        let (mut rows, mut missing) = (Vec::new(), 0);
        for entry in &case.rows {
            let side = self.side(entry);
            if !side.has(entry.row) {
                missing += 1;
                continue;
            }
            let number = match (of_test, entry.of_test) {
                (true, true) => format!("test {}", entry.row),
                (true, false) => format!("training {}", entry.row),
                _ => entry.row.to_string(),
            };
            let mut row = vec![Cell::plain(number)];
            row.extend(label.iter().map(|label| {
                let text = side.text(entry.row, label, None).unwrap_or_default();
                let text = excerpt::short(&text);
                if entry.marks_label { Cell::marked(text) } else { Cell::plain(text) }
            }));
            for shows in &plan.table {
                let name = self.set.schema.field(shows.field).name();
                let text = side.text(entry.row, name, shows.item);
                let marked = entry.columns.contains(&shows.name);
                row.push(match text {
                    Some(text) => excerpt::of(&text, &entry.tokens, marked),
                    None if marked => Cell::marked("(none)"),
                    None => Cell::default(),
                });
            }
            row.extend(reasons.then(|| Cell::plain(excerpt::long(&entry.why))));
            let parts = row.iter().flat_map(|cell| &cell.0);
            let bytes = parts.map(|(text, _)| text.len()).sum::<usize>();
            if bytes > *room {
                missing += 1;
                continue;
            }
            *room -= bytes;
            rows.push(row);
        }
        (Shown::Table(head, rows), missing)
    }
}

/// What of a picture is framed: the place of a trigger, or the pixels that are named.
fn frames(
    entry: &Entry,
    shape: Option<(usize, usize, usize, bool)>,
) -> impl Iterator<Item = Frame> + '_ {
    let pixels = entry.columns.iter().filter_map(move |name| {
        let (height, width, channels, first) = shape?;
        let item = name.strip_suffix(']')?.rsplit_once('[')?.1.parse::<usize>().ok()?;
        let place =
            if first { item % height.saturating_mul(width).max(1) } else { item / channels.max(1) };
        Some(Frame { at: [place / width.max(1), place % width.max(1)], size: [1, 1] })
    });
    entry.frame.iter().copied().chain(pixels)
}

/// The most bytes of pictures and texts together.
const MOST_BYTES: usize = 8 << 20;
/// Columns of a table that are marked, and of all.
const MOST_MARKED: usize = 12;
const MOST_COLUMNS: usize = 8;

#[cfg(test)]
mod tests;
