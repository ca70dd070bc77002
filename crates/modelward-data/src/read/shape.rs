//! How columns of other writers are shown: images that the `datasets` library keeps in records, and
//! names that stand twice.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::take::take;

use crate::{Note, columns::IMAGE, limits::BATCH_BYTES, rules::DATA_MALFORMED};

/// The columns as they are shown.
pub(super) fn shown(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let kind = match named(field.data_type()) {
            Some(values) => values,
            None => field.data_type(),
        };
        match image(field) {
            Some(bytes) => Field::new(field.name(), bytes.data_type().clone(), true)
                .with_metadata(HashMap::from([(IMAGE.to_owned(), String::new())])),
            // What a file says of its own columns is left behind: it could say our words.
            None => Field::new(
                field.name(),
                kind.clone(),
                field.is_nullable() || kind != field.data_type(),
            ),
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Rows as they are read, as they are shown.
pub(super) fn show(
    rows: &RecordBatch,
    read: &Schema,
    shown: &SchemaRef,
) -> Result<RecordBatch, String> {
    let columns =
        rows.columns().iter().zip(read.fields()).map(|(array, field)| match image(field) {
            Some(_) => encoded(array).ok_or("expected images in records"),
            None if named(field.data_type()).is_some() => {
                let named = array.as_any_dictionary();
                take(named.values(), named.keys(), None)
                    .map_err(|_| "expected texts under numbers that name them")
            }
            None => Ok(array.clone()),
        });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(shown.clone(), columns, &options)
        .map_err(|error| error.to_string())
}

/// The type of texts that a column names by their number.
fn named(kind: &DataType) -> Option<&DataType> {
    match kind {
        DataType::Dictionary(_, values)
            if matches!(**values, DataType::Utf8 | DataType::LargeUtf8) =>
        {
            Some(values)
        }
        _ => None,
    }
}

/// How many rows of a batch are shown at a time: what their bytes are on the whole, and what the longest
/// text that is named by a number would take in every row.
pub(super) fn fitting(rows: &RecordBatch) -> usize {
    let bytes = rows.get_array_memory_size() / rows.num_rows().max(1);
    let longest = rows.columns().iter().filter(|array| named(array.data_type()).is_some());
    let longest = longest.map(|array| match array.as_any_dictionary().values().data_type() {
        DataType::Utf8 => {
            let values = array.as_any_dictionary().values().as_string::<i32>().iter();
            values.flatten().map(str::len).max().unwrap_or(0)
        }
        _ => {
            let values = array.as_any_dictionary().values().as_string::<i64>().iter();
            values.flatten().map(str::len).max().unwrap_or(0)
        }
    });
    let longest = longest.fold(0_usize, usize::saturating_add);
    (BATCH_BYTES / bytes.max(1)).min(MOST_NAMED / longest.max(1)).max(1)
}

/// The bytes of an image as `datasets` keeps one: a record of its `bytes` and the `path` it came from.
fn image(field: &Field) -> Option<&Field> {
    let DataType::Struct(inner) = field.data_type() else { return None };
    let bytes = inner.iter().find(|field| field.name() == "bytes")?;
    let path = inner.iter().find(|field| field.name() == "path")?;
    let fits = inner.len() == 2
        && matches!(bytes.data_type(), DataType::Binary | DataType::LargeBinary)
        && matches!(path.data_type(), DataType::Utf8 | DataType::LargeUtf8);
    fits.then_some(bytes)
}

fn encoded(array: &ArrayRef) -> Option<ArrayRef> {
    let records = array.as_struct_opt()?;
    let bytes = records.column_by_name("bytes")?;
    let Some(missing) = records.nulls() else { return Some(bytes.clone()) };
    // A record that is missing has no image either.
    let nulls = arrow_buffer::NullBuffer::union(Some(missing), bytes.nulls());
    let data = bytes.to_data().into_builder().nulls(nulls).build().ok()?;
    Some(arrow_array::make_array(data))
}

/// Names that stand twice, of which loaders keep different ones.
pub(super) fn twice(file: &str, schema: &Schema) -> Vec<Note> {
    let mut seen = HashSet::new();
    let twice = schema.fields().iter().filter(|field| !seen.insert(field.name().as_str()));
    let note = |field: &Arc<Field>| Note {
        rule: &DATA_MALFORMED,
        file: file.to_owned(),
        line: None,
        why: format!("the column `{}` stands twice", field.name()),
    };
    twice.take(MOST_NOTES).map(note).collect()
}

/// How many names are told of.
const MOST_NOTES: usize = 20;
/// The most bytes of texts that are named by their number, in one batch.
const MOST_NAMED: usize = 64 << 20;
