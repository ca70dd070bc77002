//! The Open Inference Protocol, version 2, over HTTP in JSON (KServe, "Open Inference Protocol
//! (V2 Inference Protocol)": `infer` and model metadata).

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use modelward_engine::{Kind, Result, Trouble};
use serde_json::{Value, json};

use super::answer::{Answer, labels, malformed, score, shown};

/// What a server says of its input.
#[derive(Clone, Debug)]
pub(super) struct Input {
    name: String,
    datatype: String,
    /// The shape of one sample as the server wants it.
    shape: Vec<usize>,
    /// Whether it takes one sample at a time.
    pub(super) one: bool,
}

impl Input {
    /// Of a model's metadata, for samples of a shape.
    pub(super) fn read(metadata: &Value, sample: &[usize]) -> Result<Self> {
        let inputs = metadata.get("inputs").and_then(Value::as_array).map(Vec::as_slice);
        let input = match inputs {
            Some([input]) => input,
            Some([]) | None => {
                return Err(malformed(format!(
                    "expected the model's inputs in its metadata, got `{}`",
                    shown(metadata)
                )));
            }
            Some(several) => {
                let count = several.len();
                let why = format!("expected a model of one input, got {count}");
                return Err(Trouble::unsupported(why));
            }
        };
        let text = |key: &str| input.get(key).and_then(Value::as_str);
        let (Some(name), Some(datatype)) = (text("name"), text("datatype")) else {
            return Err(malformed(format!(
                "expected an input's name and type, got `{}`",
                shown(input)
            )));
        };
        let dims = input.get("shape").and_then(Value::as_array).map(Vec::as_slice);
        let Some((first, rest)) = dims.and_then(<[Value]>::split_first) else {
            return Err(malformed(format!("expected an input's shape, got `{}`", shown(input))));
        };
        let sizes =
            rest.iter().map(|size| size.as_u64().and_then(|size| usize::try_from(size).ok()));
        let sizes = sizes.collect::<Vec<_>>();
        let shape = fitted(&sizes, sample).ok_or_else(|| {
            let wanted = shown(&Value::Array(rest.to_vec()));
            let why = format!("expected samples of the shape {wanted}, got {sample:?}");
            Trouble::new(Kind::Input, why)
        })?;
        let one = first.as_u64() == Some(1);
        Ok(Self { name: name.into(), datatype: datatype.into(), shape, one })
    }

    /// The body of a request.
    pub(super) fn request(&self, batch: &[f32], samples: usize) -> Result<Value> {
        let whole = match &*self.datatype {
            "FP16" | "FP32" | "FP64" | "BF16" => false,
            "INT8" | "INT16" | "INT32" | "INT64" | "UINT8" | "UINT16" | "UINT32" | "UINT64" => true,
            other => {
                let why = format!("the model takes {other}, and the data are numbers");
                return Err(Trouble::unsupported(why));
            }
        };
        if whole && let Some(part) = batch.iter().find(|value| value.fract() != 0.0) {
            let datatype = &self.datatype;
            let why = format!("the model takes {datatype}, whole numbers, got {part}");
            return Err(Trouble::new(Kind::Input, why)
                .help("say in a `--spec` that features are of the kind `int`"));
        }
        let data = batch.iter().map(|&value| {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole")]
            if whole { json!(value as i64) } else { json!(f64::from(value)) }
        });
        let data = data.collect::<Value>();
        let mut shape = vec![samples];
        shape.extend(&self.shape);
        let input = json!({
            "name": self.name, "shape": shape, "datatype": self.datatype, "data": data,
        });
        Ok(json!({ "inputs": [input] }))
    }
}

/// The shape in which a server takes samples: theirs, or the same numbers in its own rows.
fn fitted(wanted: &[Option<usize>], sample: &[usize]) -> Option<Vec<usize>> {
    let same = wanted.len() == sample.len()
        && wanted.iter().zip(sample).all(|(size, own)| size.is_none_or(|size| size == *own));
    if same {
        return Some(sample.to_vec());
    }
    let product =
        |sizes: &[usize]| sizes.iter().try_fold(1_usize, |all, size| all.checked_mul(*size));
    let sizes = wanted.iter().copied().collect::<Option<Vec<_>>>()?;
    (product(&sizes) == product(sample)).then_some(sizes)
}

/// What a server answered.
pub(super) fn answer(
    value: &Value,
    samples: usize,
    named: Option<&str>,
    classes: Option<&[String]>,
) -> Result<Answer> {
    let outputs = value.get("outputs").and_then(Value::as_array).map(Vec::as_slice);
    let outputs = outputs.filter(|outputs| !outputs.is_empty()).ok_or_else(|| {
        malformed(format!("expected an answer with `outputs`, got `{}`", shown(value)))
    })?;
    let name = |output: &Value| output.get("name").and_then(Value::as_str).map(str::to_owned);
    if let Some(named) = named {
        let output = outputs.iter().find(|output| name(output).as_deref() == Some(named));
        let output = output.ok_or_else(|| {
            let names = outputs.iter().filter_map(name).collect::<Vec<_>>().join("`, `");
            malformed(format!("expected an output `{named}`, got `{names}`"))
        })?;
        return read(output, samples, classes);
    }
    let scored = outputs.iter().find_map(|output| {
        let answer = read(output, samples, classes).ok()?;
        matches!(answer, Answer::Scores { classes: 2.., .. }).then_some(answer)
    });
    match (scored, outputs.first()) {
        (Some(answer), _) => Ok(answer),
        (None, Some(first)) => read(first, samples, classes),
        (None, None) => Err(malformed("expected an output")),
    }
}

/// One output: a tensor `[samples, ...]`.
fn read(output: &Value, samples: usize, classes: Option<&[String]>) -> Result<Answer> {
    let datatype = output.get("datatype").and_then(Value::as_str).unwrap_or_default();
    let data = output.get("data").and_then(Value::as_array).ok_or_else(|| {
        malformed(format!("expected an output with `data` in JSON, got `{}`", shown(output)))
    })?;
    let mut values = Vec::new();
    flatten(data, &mut values);
    let sizes = output.get("shape").and_then(Value::as_array).map(Vec::as_slice);
    let first = sizes.and_then(<[Value]>::first).and_then(Value::as_u64);
    let width = values.len().checked_div(samples).unwrap_or(0);
    let whole = width.checked_mul(samples) == Some(values.len()) && width > 0;
    if first != u64::try_from(samples).ok() || !whole {
        let shape = output.get("shape").map(shown).unwrap_or_default();
        let got = values.len();
        return Err(malformed(format!(
            "expected an output of the shape [{samples}, ...], got {shape} with {got} values"
        )));
    }
    let floats = datatype.starts_with("FP") || datatype == "BF16";
    if width == 1 && !floats {
        return labels(&values, classes).map(Answer::Labels);
    }
    let rows = values.into_iter().map(score).collect::<Result<Vec<_>>>()?;
    Ok(Answer::Scores { rows, classes: width })
}

/// The values of a list, nested or not.
fn flatten<'a>(list: &'a [Value], into: &mut Vec<&'a Value>) {
    for value in list {
        match value {
            // JSON is read to a bounded depth.
            Value::Array(list) => flatten(list, into),
            value => into.push(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_asked_in_its_own_shape() {
        let input = |shape: &str, sample: &[usize]| {
            let text = format!(
                r#"{{"inputs": [{{"name": "in", "datatype": "FP32", "shape": {shape}}}]}}"#
            );
            Input::read(&serde_json::from_str(&text).unwrap(), sample)
        };
        let body = input("[-1, 2]", &[1, 2]).unwrap().request(&[1.0, 0.5], 1).unwrap();
        let expected = json!({"inputs": [
            {"name": "in", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 0.5]}]});
        assert_eq!(body, expected);
        assert!(input("[1, 2]", &[2]).unwrap().one);
        assert_eq!(input("[-1, -1, 2]", &[3, 2]).unwrap().shape, [3, 2]);
        assert!(input("[-1, 3]", &[2]).is_err());
        assert!(Input::read(&json!({"inputs": []}), &[2]).is_err());
        assert!(Input::read(&json!({"error": "no model"}), &[2]).is_err());
        let whole = r#"{"inputs": [{"name": "in", "datatype": "INT64", "shape": [-1, 1]}]}"#;
        let whole = Input::read(&serde_json::from_str(whole).unwrap(), &[1]).unwrap();
        assert_eq!(whole.request(&[3.0], 1).unwrap()["inputs"][0]["data"], json!([3]));
        assert!(whole.request(&[3.5], 1).is_err());
    }

    #[test]
    fn outputs_are_labels_or_scores() {
        let label = json!({"name": "label", "datatype": "INT64", "shape": [2, 1], "data": [1, 0]});
        let score = json!({"name": "score", "datatype": "FP32", "shape": [2, 2],
            "data": [[0.25, 0.75], [1.0, null]]});
        let name = json!({"name": "name", "datatype": "BYTES", "shape": [2], "data": ["b", "a"]});
        let classes = ["a", "b"].map(String::from);
        let read = |outputs: &[&Value], named| {
            answer(&json!({ "outputs": outputs }), 2, named, Some(&classes))
        };
        assert_eq!(read(&[&label], None).unwrap(), Answer::Labels(vec![1, 0]));
        assert_eq!(read(&[&name], None).unwrap(), Answer::Labels(vec![1, 0]));
        assert_eq!(read(&[&score, &label], Some("label")).unwrap(), Answer::Labels(vec![1, 0]));
        let Answer::Scores { rows, classes: 2 } = read(&[&label, &score], None).unwrap() else {
            panic!()
        };
        assert!(rows[..3] == [0.25, 0.75, 1.0] && rows[3].is_nan());
        assert!(read(&[&label], Some("other")).unwrap_err().to_string().contains("`label`"));
        let short = json!({"name": "s", "datatype": "FP32", "shape": [2], "data": [1.0]});
        assert!(read(&[&short], None).is_err());
        let binary = json!({"name": "s", "datatype": "FP32", "shape": [2], "parameters": {}});
        assert!(read(&[&binary], None).is_err());
        assert!(read(&[], None).is_err());
    }
}
