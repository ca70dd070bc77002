//! A trigger put on rows: what a row that carries it has where it lies.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, LargeStringArray, RecordBatch, StringArray,
    StringViewArray, UInt32Array, UInt64Array,
};
use arrow_schema::DataType;
use arrow_select::take::{take, take_record_batch};
use modelward_core::Value;

use crate::{
    Kind, Matrix, Roles,
    check::Checked,
    columns::{texts, written},
    image_shape, kind,
    quarantine::{count, field, text},
};

/// A trigger that a check found.
pub(super) struct Trigger {
    pub(super) kind: String,
    pub(super) target: String,
    at: Option<[usize; 2]>,
    size: Option<[usize; 2]>,
    token: Option<String>,
    columns: Vec<String>,
    /// Rows of the sample that carry it.
    carriers: Vec<u32>,
}

/// The triggers that were found, with the rows of a sample that carry each.
pub(super) fn triggers(checked: &Checked, numbers: &[u64]) -> Vec<Trigger> {
    let Some((_, done)) = checked.checks.iter().find(|(check, _)| check.name == "trigger") else {
        return Vec::new();
    };
    let list = |name: &str| {
        done.fields.iter().find_map(|(key, value)| match value {
            Value::List(items) if *key == name => Some(items.as_slice()),
            _ => None,
        })
    };
    let mut carriers: HashMap<u64, Vec<u32>> = HashMap::new();
    for item in list("flagged").unwrap_or_default() {
        let row = field(item, "row").and_then(count);
        let at = row.and_then(|row| numbers.binary_search(&row).ok());
        if let (Some(at), Some(trigger)) = (at, field(item, "trigger").and_then(count)) {
            carriers.entry(trigger).or_default().push(at as u32);
        }
    }
    let told = list("triggers").unwrap_or_default().iter().enumerate();
    let told = told.map(|(at, item)| {
        let words = |name: &str| field(item, name).and_then(text).map(str::to_owned);
        let mut carriers = carriers.remove(&(at as u64)).unwrap_or_default();
        carriers.sort_unstable();
        Trigger {
            kind: words("kind").unwrap_or_default(),
            target: words("target").unwrap_or_default(),
            at: pair(field(item, "at")),
            size: pair(field(item, "size")),
            token: words("token"),
            columns: match field(item, "columns") {
                Some(Value::List(names)) => {
                    names.iter().filter_map(text).map(str::to_owned).collect()
                }
                _ => Vec::new(),
            },
            carriers,
        }
    });
    told.collect()
}

fn pair(value: Option<&Value>) -> Option<[usize; 2]> {
    let Some(Value::List(items)) = value else { return None };
    match items.as_slice() {
        [Value::Count(one), Value::Count(other)] => {
            Some([usize::try_from(*one).ok()?, usize::try_from(*other).ok()?])
        }
        _ => None,
    }
}

/// Some rows with a trigger put on them.
pub(super) fn stamped(
    rows: &RecordBatch,
    roles: &Roles,
    trigger: &Trigger,
    onto: &[u32],
) -> Result<RecordBatch, String> {
    if trigger.carriers.is_empty() {
        return Err("no row that carries it is in the sample".to_owned());
    }
    let plain = take_record_batch(rows, &UInt32Array::from(onto.to_vec()));
    let plain = plain.map_err(|_| "rows could not be gathered")?;
    let mut columns = plain.columns().to_vec();
    match trigger.kind.as_str() {
        "patch" => {
            let at = (0..columns.len()).find(|at| {
                let field = rows.schema_ref().field(*at);
                roles.is_feature(*at)
                    && matches!(kind(field), Kind::Numbers(_))
                    && image_shape(field).is_some()
            });
            let at = at.ok_or("there is no column of images")?;
            columns[at] = patched(rows, at, trigger, onto)?;
        }
        "text" => {
            let token = trigger.token.as_deref().ok_or("its words are not known")?;
            let at = (0..columns.len()).find(|at| {
                let holds = texts(rows.column(*at)).is_some_and(|texts| {
                    let holding = trigger.carriers.iter().filter(|row| {
                        texts[**row as usize].is_some_and(|text| text.contains(token))
                    });
                    holding.count() * 2 >= trigger.carriers.len()
                });
                roles.is_feature(*at) && holds
            });
            let at = at.ok_or("no column of texts holds it")?;
            columns[at] = with_token(&columns[at], token).ok_or("its column holds no texts")?;
        }
        "value" => {
            let places = trigger.columns.iter();
            let places = places.map(|name| rows.schema_ref().index_of(name).ok());
            let places = places.collect::<Option<Vec<_>>>().filter(|places| !places.is_empty());
            let places = places.ok_or("its columns are not known")?;
            let cells = places.iter().map(|at| written(rows.column(*at))).collect::<Vec<_>>();
            let usual = usual(&trigger.carriers, |row| {
                cells.iter().map(|cells| cells[row as usize].clone()).collect::<Vec<_>>()
            });
            let same = UInt32Array::from(vec![usual; onto.len()]);
            for at in places {
                let fresh = take(rows.column(at), &same, None);
                columns[at] = fresh.map_err(|_| "its values could not be set")?;
            }
        }
        _ => {
            return Err(
                "it lies in what the model makes of a row, not in a place of the row".into()
            );
        }
    }
    RecordBatch::try_new(plain.schema(), columns).map_err(|error| error.to_string())
}

/// The row that has what most of them have; the first of these.
fn usual<K: std::hash::Hash + Eq>(rows: &[u32], what: impl Fn(u32) -> K) -> u32 {
    let mut counts: HashMap<K, (usize, u32)> = HashMap::new();
    for row in rows {
        counts.entry(what(*row)).or_insert((0, *row)).0 += 1;
    }
    let most = counts.into_values().max_by_key(|(count, row)| (*count, std::cmp::Reverse(*row)));
    most.map_or(0, |(_, row)| row)
}

/// Images with a patch: its pixels are those of a row that carries it.
fn patched(
    rows: &RecordBatch,
    column: usize,
    trigger: &Trigger,
    onto: &[u32],
) -> Result<ArrayRef, String> {
    let shape = image_shape(rows.schema_ref().field(column)).ok_or("there is no image")?;
    let (height, width, channels, first) = shape;
    let at = trigger.at.ok_or("it stands at changing places, which are not known for each row")?;
    let size = trigger.size.ok_or("its size is not known")?;
    let mut pixels = Vec::new();
    for y in at[0]..at[0].saturating_add(size[0]).min(height) {
        for x in at[1]..at[1].saturating_add(size[1]).min(width) {
            for channel in 0..channels {
                pixels.push(match first {
                    true => (channel * height + y) * width + x,
                    false => (y * width + x) * channels + channel,
                });
            }
        }
    }
    let all = Matrix::of(rows, [column]);
    let usual = usual(&trigger.carriers, |row| {
        let row = all.row(row as usize);
        pixels.iter().map(|pixel| row[*pixel].to_bits()).collect::<Vec<_>>()
    });
    let list = rows.column(column).as_any().downcast_ref::<FixedSizeListArray>();
    let list = list.ok_or("there is no column of images")?;
    let length = usize::try_from(list.value_length()).unwrap_or(0);
    let start = |row: u32| list.value_offset_at(row as usize);
    let mut from = Vec::with_capacity(onto.len() * length);
    for row in onto {
        let begin = from.len();
        from.extend((0..length).map(|pixel| (start(*row) + pixel) as u64));
        pixels.iter().for_each(|pixel| from[begin + pixel] = (start(usual) + pixel) as u64);
    }
    let values = take(list.values(), &UInt64Array::from(from), None);
    let values = values.map_err(|_| "its pixels could not be set")?;
    let DataType::FixedSizeList(inner, length) = list.data_type() else {
        return Err("there is no column of images".to_owned());
    };
    let patched = FixedSizeListArray::try_new(inner.clone(), *length, values, None);
    Ok(Arc::new(patched.map_err(|error| error.to_string())?))
}

/// Texts with words before them.
fn with_token(array: &ArrayRef, token: &str) -> Option<ArrayRef> {
    let word = token.ends_with(char::is_alphanumeric);
    let gap = if word { " " } else { "" };
    let fresh = texts(array)?.into_iter().map(|text| {
        let text = text.unwrap_or_default();
        Some(format!("{token}{gap}{text}"))
    });
    Some(match array.data_type() {
        DataType::Utf8 => Arc::new(fresh.collect::<StringArray>()),
        DataType::LargeUtf8 => Arc::new(fresh.collect::<LargeStringArray>()),
        _ => Arc::new(fresh.collect::<StringViewArray>()),
    })
}
