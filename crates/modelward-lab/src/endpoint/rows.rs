//! Rows of JSON: a sample each on the way there, a label or scores each on the way back.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use modelward_engine::Result;
use serde_json::{Map, Value, json};

use super::answer::{Answer, labels, malformed, score, shown};

/// `{key: [...]}` with each sample nested as its shape is.
pub(super) fn request(key: &str, batch: &[f32], shape: &[usize]) -> Value {
    let width = shape.iter().product::<usize>().max(1);
    let samples = batch.chunks(width).map(|sample| nested(sample, shape)).collect::<Vec<_>>();
    json!({ key: samples })
}

fn nested(values: &[f32], shape: &[usize]) -> Value {
    match shape.split_first() {
        None => values.first().map_or(Value::Null, |&value| json!(f64::from(value))),
        Some((_, rest)) => {
            let width = rest.iter().product::<usize>().max(1);
            values.chunks(width).map(|part| nested(part, rest)).collect()
        }
    }
}

/// An answer of a row for each sample.
pub(super) fn answer(value: &Value, samples: usize, classes: Option<&[String]>) -> Result<Answer> {
    let Some(object) = value.as_object() else {
        return Err(unknown(value));
    };
    if let Some(scores) = object.get("scores") {
        return rows(list(scores, samples, "scores")?, classes, true);
    }
    if let Some(y) = object.get("y") {
        let values = list(y, samples, "y")?.iter().collect::<Vec<_>>();
        return labels(&values, classes).map(Answer::Labels);
    }
    if let Some(predictions) = object.get("predictions") {
        return rows(list(predictions, samples, "predictions")?, classes, false);
    }
    match object.get("label") {
        Some(label) if samples == 1 => labels(&[label], classes).map(Answer::Labels),
        Some(_) => Err(malformed(format!("expected {samples} labels, got one"))
            .help("ask one sample a request: a batch of 1")),
        None => Err(unknown(&Value::Object(Map::clone(object)))),
    }
}

fn unknown(value: &Value) -> modelward_engine::Trouble {
    malformed(format!(
        "expected an answer with `y`, `scores` or `predictions`, got `{}`",
        shown(value)
    ))
}

fn list<'a>(value: &'a Value, samples: usize, key: &str) -> Result<&'a [Value]> {
    let list = value
        .as_array()
        .ok_or_else(|| malformed(format!("expected a list in `{key}`, got `{}`", shown(value))))?;
    if list.len() != samples {
        let got = list.len();
        return Err(malformed(format!("expected {samples} rows in `{key}`, got {got}")));
    }
    Ok(list)
}

/// Rows of scores; where they need not be, one whole number or text a row is a label.
fn rows(list: &[Value], classes: Option<&[String]>, scored: bool) -> Result<Answer> {
    let single = list.iter().map(|row| match row.as_array().map(Vec::as_slice) {
        Some([one]) => Some(one),
        Some(_) => None,
        None => Some(row),
    });
    if let Some(single) = single.collect::<Option<Vec<_>>>() {
        let named = |value: &&Value| value.is_i64() || value.is_u64() || value.is_string();
        if !scored && single.iter().all(named) {
            return labels(&single, classes).map(Answer::Labels);
        }
        let rows = single.into_iter().map(score).collect::<Result<Vec<_>>>()?;
        return Ok(Answer::Scores { rows, classes: 1 });
    }
    let width = list.first().and_then(Value::as_array).map_or(0, Vec::len);
    let mut rows = Vec::with_capacity(list.len().saturating_mul(width));
    for row in list {
        match row.as_array() {
            Some(row) if row.len() == width && width > 0 => {
                for value in row {
                    rows.push(score(value)?);
                }
            }
            _ => {
                let got = shown(row);
                return Err(malformed(format!("expected {width} scores in each row, got `{got}`")));
            }
        }
    }
    Ok(Answer::Scores { rows, classes: width })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let classes = ["ant", "cat"].map(String::from);
        let read = |text: &str, samples| {
            answer(&serde_json::from_str(text).unwrap(), samples, Some(&classes))
        };
        let labels = |all: &[i64]| Answer::Labels(all.to_vec());
        let scores = |rows: &[f32], classes| Answer::Scores { rows: rows.to_vec(), classes };
        for (text, expected) in [
            (r#"{"y": [1, 0]}"#, labels(&[1, 0])),
            (r#"{"y": [1.0, 0.0]}"#, labels(&[1, 0])),
            (r#"{"y": ["cat", "ant"]}"#, labels(&[1, 0])),
            (r#"{"y": [true, false]}"#, labels(&[1, 0])),
            (r#"{"predictions": [1, 0]}"#, labels(&[1, 0])),
            (r#"{"predictions": [[1], [0]]}"#, labels(&[1, 0])),
            (r#"{"predictions": [0.5, 1]}"#, scores(&[0.5, 1.0], 1)),
            (r#"{"predictions": [[0.5], [0.25]]}"#, scores(&[0.5, 0.25], 1)),
            (r#"{"predictions": [[1, 2], [3, 4]]}"#, scores(&[1.0, 2.0, 3.0, 4.0], 2)),
            (r#"{"y": [9, 9], "scores": [[1], [2]]}"#, scores(&[1.0, 2.0], 1)),
        ] {
            assert_eq!(read(text, 2).unwrap(), expected, "{text}");
        }
        assert_eq!(read(r#"{"label": "cat"}"#, 1).unwrap(), labels(&[1]));
        for text in [
            r#"{"label": 1}"#,
            r#"{"y": [1]}"#,
            r#"{"y": ["dog", "cat"]}"#,
            r#"{"y": [0.5, 1]}"#,
            r#"{"scores": [[1, 2], [3]]}"#,
            r#"{"scores": [[], []]}"#,
            r#"{"scores": {"a": 1}}"#,
            r#"{"predictions": [{"a": 1}, {"a": 2}]}"#,
            r"[1, 2]",
            r"{}",
        ] {
            assert!(read(text, 2).is_err(), "{text}");
        }
    }

    #[test]
    fn samples_are_nested_as_they_are_shaped() {
        let body = request("x", &[0.1, 2.0, 3.0, 4.0], &[1, 2]).to_string();
        assert_eq!(body, r#"{"x":[[[0.10000000149011612,2.0]],[[3.0,4.0]]]}"#);
    }
}
