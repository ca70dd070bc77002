//! The rows that are shown, read once more: those alone, and of them the columns that are shown.

use std::{collections::BTreeMap, collections::BTreeSet, ops::Range};

use arrow_array::{Array, ArrayRef, RecordBatch, UInt64Array, cast::AsArray};
use arrow_select::take::take_record_batch;

use super::canvas::Canvas;
use crate::{
    Chunk, Kind, Limits, Matrix, Set, Unread,
    columns::written,
    image, instant, kind,
    leaves::{self, Leaf},
};

/// Rows of a set by their number.
#[derive(Default)]
pub(super) struct Gathered {
    rows: BTreeMap<u64, (RecordBatch, usize)>,
}

/// Read some rows, and of them some columns.
pub(super) fn rows(
    set: &Set,
    wanted: &BTreeSet<u64>,
    fields: &BTreeSet<usize>,
    limits: &Limits,
) -> Result<Gathered, Unread> {
    let mut gathered = Gathered::default();
    let mut room = usize::try_from(limits.memory / 8).unwrap_or(usize::MAX);
    let among = |range: Range<u64>| wanted.range(range).copied().collect::<Vec<_>>();
    let fields = fields.iter().copied().collect::<Vec<_>>();
    let mut first = 0_u64;
    for piece in &set.pieces {
        if wanted.range(first..).next().is_none() {
            break;
        }
        if let Some(rows) = piece.rows() {
            let end = first.saturating_add(rows);
            if among(first..end).is_empty() {
                first = end;
                continue;
            }
        }
        let mut reading = piece.open()?;
        while let Some(Chunk { rows, .. }) = reading.next()? {
            let end = first.saturating_add(rows.num_rows() as u64);
            let here = among(first..end);
            let at = UInt64Array::from_iter_values(here.iter().map(|row| row - first));
            first = end;
            let taken = rows.project(&fields).and_then(|rows| take_record_batch(&rows, &at));
            let Some(taken) = taken.ok().filter(|_| !here.is_empty()) else { continue };
            let bytes = taken.get_array_memory_size();
            if bytes > room {
                continue;
            }
            room -= bytes;
            let rows = here.into_iter().enumerate();
            gathered.rows.extend(rows.map(|(at, row)| (row, (taken.clone(), at))));
        }
    }
    Ok(gathered)
}

impl Gathered {
    pub(super) fn has(&self, row: u64) -> bool {
        self.rows.contains_key(&row)
    }

    fn cell(&self, row: u64, name: &str) -> Option<(ArrayRef, arrow_schema::FieldRef)> {
        let (rows, at) = self.rows.get(&row)?;
        let column = rows.schema().fields().iter().position(|field| field.name() == name)?;
        let field = rows.schema().fields().get(column)?.clone();
        Some((rows.column(column).slice(*at, 1), field))
    }

    /// What a cell holds in words, `None` where it holds nothing or what has none.
    pub(super) fn text(&self, row: u64, name: &str, item: Option<usize>) -> Option<String> {
        let (cell, field) = self.cell(row, name)?;
        if let Some(item) = item {
            let rows = RecordBatch::try_from_iter([(name, cell)]).ok()?;
            let rows =
                rows.with_schema(std::sync::Arc::new(arrow_schema::Schema::new(vec![field])));
            let matrix = Matrix::of(&rows.ok()?, [0]);
            let number = matrix.data.get(item)?;
            return (!number.is_nan()).then(|| number.to_string());
        }
        match kind(&field) {
            Kind::Time => instant::instants(&cell)?.pop().flatten().map(instant::shown),
            Kind::Other => {
                // Of lists and records their texts.
                let mut texts = Vec::new();
                leaves::each(&cell, |_, leaf| match leaf {
                    Leaf::Text(text) => texts.push(text),
                    Leaf::Bytes(_) => {}
                });
                (!texts.is_empty()).then(|| texts.join(" | "))
            }
            _ => written(&cell).pop().flatten(),
        }
    }

    /// The picture in a cell.
    pub(super) fn picture(
        &self,
        row: u64,
        name: &str,
        shape: Option<(usize, usize, usize, bool)>,
        (low, high): (f32, f32),
        limits: &Limits,
    ) -> Option<Canvas> {
        let (cell, field) = self.cell(row, name)?;
        if kind(&field) == Kind::Image {
            let bytes = match cell.data_type() {
                arrow_schema::DataType::LargeBinary => cell.as_binary::<i64>().value(0),
                _ => cell.as_binary_opt::<i32>().filter(|_| cell.is_valid(0))?.value(0),
            };
            let picture = image::decode(bytes, limits).ok()?;
            let image::Image { width, height, channels, pixels } = picture;
            let value = |row: usize, column: usize, channel: usize| {
                let at = (row * width + column) * channels + channel.min(channels - 1);
                pixels.get(at).copied().unwrap_or(0)
            };
            return Some(Canvas::of(height, width, value));
        }
        let (height, width, channels, first) = shape?;
        let rows = RecordBatch::try_new(
            std::sync::Arc::new(arrow_schema::Schema::new(vec![field])),
            vec![cell],
        );
        let numbers = Matrix::of(&rows.ok()?, [0]).data;
        let span = (high - low).max(f32::MIN_POSITIVE);
        let value = |row: usize, column: usize, channel: usize| {
            let channel = channel.min(channels - 1);
            let at = if first {
                (channel * height + row) * width + column
            } else {
                (row * width + column) * channels + channel
            };
            let share = numbers.get(at).map_or(0.0, |number| (number - low) / span);
            (share.clamp(0.0, 1.0) * 255.0).round() as u8
        };
        Some(Canvas::of(height, width, value))
    }
}

/// The range that numbers of pictures lie in: 0 to 1 or 0 to 255 where they fit there as pixels do, else their
/// own.
pub(super) fn range(sides: [&Gathered; 2], name: &str) -> (f32, f32) {
    let (mut low, mut high) = (0.0_f32, 0.0_f32);
    for side in sides {
        for row in side.rows.keys() {
            let Some((cell, field)) = side.cell(*row, name) else { continue };
            let schema = std::sync::Arc::new(arrow_schema::Schema::new(vec![field]));
            let Ok(rows) = RecordBatch::try_new(schema, vec![cell]) else { continue };
            let numbers = Matrix::of(&rows, [0]).data;
            let finite = numbers.iter().filter(|number| number.is_finite());
            (low, high) = finite.fold((low, high), |(low, high), it| (low.min(*it), high.max(*it)));
        }
    }
    match high {
        _ if low < 0.0 => (low, high),
        high if high <= 1.0 => (0.0, 1.0),
        high if high > 64.0 && high <= 255.0 => (0.0, 255.0),
        high => (0.0, high),
    }
}
