//! `LabelEncoder`: each element by what a table has for it.
//!
//! The last of equal keys counts; NaN is a key like others, and -0 is 0. In set 1 the table is a
//! list of texts, and whole numbers are their places.
//!
//! Source: ONNX-ML `LabelEncoder`, sets 1, 2 and 4.

use std::{collections::HashMap, sync::Arc};

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    graph::{Attributes, Domain, Grad, Operator, Run, ops::elementwise::of_type},
};

pub(super) const OPS: &[&Operator] = &[&LABEL_ENCODER];

static LABEL_ENCODER: Operator = Operator::new(
    "LabelEncoder",
    &[1, 2, 4],
    |cx| {
        let attributes = cx.attributes();
        let element = match attributes.texts("classes_strings")? {
            Some(_) if cx.element(0)? == Element::Text => Element::I64,
            Some(_) => Element::Text,
            None => {
                let (keys, values) = (list(attributes, "keys")?, list(attributes, "values")?);
                if keys.len() != values.len() {
                    let (keys, values) = (keys.len(), values.len());
                    return Err(Trouble::graph(format!("{keys} keys for {values} values")));
                }
                if keys.element() != cx.element(0)? {
                    let (keys, got) = (keys.element(), cx.element(0)?);
                    return Err(Trouble::graph(format!("expected {keys} elements, got {got}")));
                }
                values.element()
            }
        };
        Ok(vec![Type::new(element, cx.dims(0)?)])
    },
    encode,
    Grad::None("the codes of labels have no slope"),
)
.moves()
.of(Domain::Ml);

/// An element as a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Text(Arc<str>),
    Whole(i64),
    /// The bits of a float, which are the same for all NaN and for both zeros.
    Bits(u64),
}

fn keys(data: &Data) -> Result<Vec<Key>> {
    let bits = |v: f64| match v {
        v if v.is_nan() => Key::Bits(f64::NAN.to_bits()),
        0.0 => Key::Bits(0),
        v => Key::Bits(v.to_bits()),
    };
    Ok(match data {
        Data::Text(v) => v.iter().map(|v| Key::Text(v.clone())).collect(),
        Data::I64(v) => v.iter().map(|&v| Key::Whole(v)).collect(),
        Data::I32(v) => v.iter().map(|&v| Key::Whole(v.into())).collect(),
        Data::I16(v) => v.iter().map(|&v| Key::Whole(v.into())).collect(),
        Data::F32(v) => v.iter().map(|&v| bits(v.into())).collect(),
        Data::F64(v) => v.iter().map(|&v| bits(v)).collect(),
        _ => return Err(Trouble::graph(format!("{} elements are no labels", data.element()))),
    })
}

/// Keys or values, in whichever attribute they stand.
fn list(attributes: &Attributes, name: &str) -> Result<Data> {
    if let Some(texts) = attributes.texts(&format!("{name}_strings"))? {
        return Ok(Data::Text(texts.to_vec()));
    }
    if let Some(ints) = attributes.ints(&format!("{name}_int64s"))? {
        return Ok(Data::I64(ints.to_vec()));
    }
    if let Some(floats) = attributes.floats(&format!("{name}_floats"))? {
        return Ok(Data::F32(floats.to_vec()));
    }
    let tensor = attributes.tensor(&format!("{name}_tensor"))?;
    let tensor = tensor.ok_or_else(|| Trouble::graph(format!("expected `{name}_*`, got none")))?;
    Ok(tensor.data().clone())
}

/// What an element becomes that is no key, in the type of the values.
fn default(attributes: &Attributes, element: Element) -> Result<Data> {
    if let Some(tensor) = attributes.tensor("default_tensor")? {
        return match tensor.data() {
            data if data.element() == element && data.len() == 1 => Ok(data.clone()),
            _ => Err(Trouble::graph(format!("expected one {element} in `default_tensor`"))),
        };
    }
    match element {
        Element::Text => {
            Ok(Data::Text(vec![attributes.text_or("default_string", "_Unused")?.into()]))
        }
        element if element.is_float() => {
            let value = attributes.float_or("default_float", -0.0)?;
            Ok(Tensor::scalar(value).cast(element)?.into_parts().1)
        }
        element => {
            let value = attributes.int_or("default_int64", -1)?;
            Ok(Tensor::scalar(value).cast(element)?.into_parts().1)
        }
    }
}

fn encode(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let attributes = run.attributes();
    let (table, values) = match attributes.texts("classes_strings")? {
        Some(classes) => {
            let places = Data::I64((0..classes.len() as i64).collect());
            let classes = Data::Text(classes.to_vec());
            match x.element() {
                Element::Text => (classes, places),
                Element::I64 => (places, classes),
                _ => return Err(of_type(x)),
            }
        }
        None => (list(attributes, "keys")?, list(attributes, "values")?),
    };
    let places: HashMap<Key, usize> = keys(&table)?.into_iter().zip(0..).collect();
    let default = default(attributes, values.element())?;
    let found = keys(x.data())?.into_iter().map(|key| places.get(&key).copied());
    // The default stands behind the values.
    let behind = values.len();
    let all = append(values, default)?;
    let data = all.gather(found.map(|place| place.unwrap_or(behind)));
    Ok(vec![run.shaped(0, data)?])
}

fn append(mut values: Data, other: Data) -> Result<Data> {
    match (&mut values, other) {
        (Data::Text(values), Data::Text(other)) => values.extend(other),
        (Data::I64(values), Data::I64(other)) => values.extend(other),
        (Data::I32(values), Data::I32(other)) => values.extend(other),
        (Data::I16(values), Data::I16(other)) => values.extend(other),
        (Data::F32(values), Data::F32(other)) => values.extend(other),
        (Data::F64(values), Data::F64(other)) => values.extend(other),
        (values, _) => {
            return Err(Trouble::graph(format!("{} elements are no labels", values.element())));
        }
    }
    Ok(values)
}
