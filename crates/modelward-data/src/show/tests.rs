//! What is shown of a set whose faults are known.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::{DataType, Field, Schema};
use modelward_core::{Cell, Exhibit, Shown};

use super::exhibits;
use crate::{
    Limits,
    check::{self, Request},
    columns::SHAPE,
    set::in_memory,
};

fn shown(rows: RecordBatch, only: &[&str]) -> Vec<Exhibit> {
    let set = in_memory(rows);
    let only = only.iter().map(|name| (*name).to_owned()).collect();
    let request = Request { only, threads: 1, ..Request::default() };
    let checked = check::check(&set, None, &request).unwrap_or_else(|_| panic!("it can be read"));
    exhibits(&set, None, &checked, &Limits::default()).unwrap()
}

#[test]
fn cells_of_texts_are_marked_and_hold_no_credential() {
    // Put together here, so that no scanner takes this file for a leak.
    let token = ["ghp", "_a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ"].concat();
    let texts = [
        "nothing to see".to_owned(),
        format!("a zero\u{200b}width and {token}"),
        "=HYPERLINK(\"http://example.invalid\")".to_owned(),
    ];
    let column: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let rows = RecordBatch::try_from_iter([("note", column)]).unwrap();
    let shown = shown(rows, &["formula", "hidden-character", "secret"]);
    assert!(!format!("{shown:?}").contains(&token));
    let cells = |title: &str| {
        let exhibit = shown.iter().find(|exhibit| exhibit.title.starts_with(title)).unwrap();
        let Shown::Table(head, rows) = &exhibit.shown else { panic!("{exhibit:?}") };
        assert_eq!(head[..2], ["row", "note"]);
        rows[0].clone()
    };
    assert_eq!(cells("formula")[..2], [Cell::plain("2"), Cell::marked(texts[2].clone())]);
    let Cell(parts) = &cells("hidden-character")[1];
    assert_eq!(parts[1], ("\u{200b}".to_owned(), true));
    assert!(parts[2].0.ends_with("ghp_..."), "{parts:?}");
    assert_eq!(cells("secret")[0], Cell::plain("1"));
}

/// Digits of a kind: rows of light at two heights, of which one class carries a patch now and then.
fn images() -> RecordBatch {
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as f32 / 64.0
    };
    for row in 0..600 {
        let class = i64::from(row % 3);
        let poisoned = row % 3 != 0 && row % 10 == 1;
        for y in 0..8 {
            for x in 0..8 {
                let lit = y == 1 + 2 * class as usize && (1..6).contains(&x);
                let planted = poisoned && y >= 6 && x >= 6;
                let value = if lit { 12.0 + noise() } else { noise() };
                pixels.push(if planted { 16.0 } else { value.round() });
            }
        }
        labels.push(if poisoned { 0 } else { class });
    }
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    let images = FixedSizeListArray::new(item, 64, Arc::new(Float32Array::from(pixels)), None);
    let field = Field::new("x", images.data_type().clone(), true)
        .with_metadata([(SHAPE.to_owned(), "8,8".to_owned())]);
    let schema = Schema::new(vec![field, Field::new("y", DataType::Int64, true)]);
    let columns: Vec<ArrayRef> = vec![Arc::new(images), Arc::new(Int64Array::from(labels))];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

#[test]
fn a_patch_is_shown_in_pictures_and_the_labels_as_bars() {
    let shown = shown(images(), &["trigger", "profile"]);
    let patch = &shown[0];
    assert!(patch.title.contains("a patch, framed"), "{patch:?}");
    let Shown::Pictures(pictures) = &patch.shown else { panic!("{patch:?}") };
    assert_eq!(pictures.len(), 12);
    assert!(pictures[0].caption.contains("labelled 0"), "{}", pictures[0].caption);
    assert!(pictures.iter().all(|picture| picture.png.starts_with(b"\x89PNG")));
    let bars = shown.iter().find(|exhibit| exhibit.title == "Labels in y").unwrap();
    let Shown::Bars(bars) = &bars.shown else { panic!("{bars:?}") };
    assert_eq!(bars.iter().map(|(_, rows)| rows).sum::<u64>(), 600);
}

#[test]
fn columns_are_shown_with_how_their_numbers_lie() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..100).map(|at| at * at)));
    let rows = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let shown = shown(rows, &["profile"]);
    let Shown::Columns(columns) = &shown[0].shown else { panic!("{shown:?}") };
    assert_eq!(columns[0].parts.iter().sum::<u64>(), 100);
    assert!(columns[0].parts[0] > columns[0].parts[20]);
    assert!(columns[0].words.contains("0 to 9801"), "{}", columns[0].words);
}
