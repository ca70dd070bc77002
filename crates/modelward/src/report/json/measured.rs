//! What experiments came to, as JSON.

use modelward_core::{Measurement, Value as Measured};
use serde_json::Value;

/// One measurement. A number that is not finite is written as `null`.
pub(in crate::report) fn measured(measurement: &Measurement) -> Value {
    let fields = measurement.fields.iter().map(|(name, field)| ((*name).to_owned(), value(field)));
    let kind = ("kind".to_owned(), measurement.kind.into());
    Value::Object([kind].into_iter().chain(fields).collect())
}

fn value(measured: &Measured) -> Value {
    match measured {
        Measured::Null => Value::Null,
        Measured::Flag(flag) => (*flag).into(),
        Measured::Count(count) => (*count).into(),
        Measured::Number(number) => (*number).into(),
        Measured::Text(text) => text.as_str().into(),
        Measured::List(list) => list.iter().map(value).collect(),
        Measured::Map(fields) => {
            Value::Object(fields.iter().map(|(name, field)| (name.clone(), value(field))).collect())
        }
        Measured::Record(fields) => Value::Object(
            fields.iter().map(|(name, field)| ((*name).into(), value(field))).collect(),
        ),
    }
}
