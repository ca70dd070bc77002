//! How columns of other writers are shown: images that the `datasets` library keeps in records, and
//! names that stand twice.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{Note, columns::IMAGE, rules::DATA_MALFORMED};

/// The columns as they are shown.
pub(super) fn shown(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match image(field) {
        Some(bytes) => Field::new(field.name(), bytes.data_type().clone(), true)
            .with_metadata(HashMap::from([(IMAGE.to_owned(), String::new())])),
        None => field.as_ref().clone(),
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
            None => Ok(array.clone()),
        });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(shown.clone(), columns, &options)
        .map_err(|error| error.to_string())
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
