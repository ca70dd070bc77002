//! Tensors as ONNX Runtime holds them, and back.

use std::sync::Arc;

use half::{bf16, f16};
use modelward_engine::{Data, Tensor};
use ort::value::{
    DynMapValueType, DynValue, PrimitiveTensorElementType, Tensor as Theirs, TensorElementType,
    Value, ValueType,
};

use crate::job::Output;

/// A tensor for the runtime.
pub(crate) fn theirs(tensor: &Tensor) -> ort::Result<DynValue> {
    let dims = tensor.dims().to_vec();
    macro_rules! made {
        ($values:expr) => {
            Theirs::from_array((dims, $values.clone()))?.into_dyn()
        };
    }
    Ok(match tensor.data() {
        Data::F32(v) => made!(v),
        Data::F64(v) => made!(v),
        Data::F16(v) => made!(v),
        Data::Bf16(v) => made!(v),
        Data::I8(v) => made!(v),
        Data::I16(v) => made!(v),
        Data::I32(v) => made!(v),
        Data::I64(v) => made!(v),
        Data::U8(v) => made!(v),
        Data::U16(v) => made!(v),
        Data::U32(v) => made!(v),
        Data::U64(v) => made!(v),
        Data::Bool(v) => made!(v),
        Data::Text(v) => {
            let texts = v.iter().map(ToString::to_string).collect::<Vec<_>>();
            Theirs::from_string_array((dims, &texts[..]))?.into_dyn()
        }
    })
}

/// A value of the runtime as an output; a text says why it cannot be one.
pub(crate) fn ours(value: &DynValue) -> Result<Output, String> {
    let text = |error: ort::Error| error.to_string();
    match value.dtype() {
        ValueType::Tensor { ty, .. } => Ok(Output { values: tensor(value, *ty)?, keys: None }),
        ValueType::Sequence(inner) => match &**inner {
            ValueType::Map { key: TensorElementType::String, .. } => maps(value, |map| {
                let rows = map.try_extract_key_values::<String, f32>().map_err(text)?;
                Ok(rows.into_iter().map(|(key, value)| (Arc::<str>::from(key), value)).collect())
            }),
            ValueType::Map { key: TensorElementType::Int64, .. } => {
                maps(value, |map| map.try_extract_key_values::<i64, f32>().map_err(text))
            }
            other => Err(format!("it is a sequence of {other}")),
        },
        other => Err(format!("it is {other}")),
    }
}

fn tensor(value: &DynValue, element: TensorElementType) -> Result<Tensor, String> {
    macro_rules! made {
        ($kind:ty) => {
            numbers::<$kind>(value)
        };
    }
    match element {
        TensorElementType::Float32 => made!(f32),
        TensorElementType::Float64 => made!(f64),
        TensorElementType::Float16 => made!(f16),
        TensorElementType::Bfloat16 => made!(bf16),
        TensorElementType::Int8 => made!(i8),
        TensorElementType::Int16 => made!(i16),
        TensorElementType::Int32 => made!(i32),
        TensorElementType::Int64 => made!(i64),
        TensorElementType::Uint8 => made!(u8),
        TensorElementType::Uint16 => made!(u16),
        TensorElementType::Uint32 => made!(u32),
        TensorElementType::Uint64 => made!(u64),
        TensorElementType::Bool => made!(bool),
        TensorElementType::String => {
            let (shape, texts) = value.try_extract_strings().map_err(|error| error.to_string())?;
            let texts = texts.into_iter().map(Arc::from).collect::<Vec<Arc<str>>>();
            shaped(shape, texts)
        }
        other => Err(format!("its elements are {other}")),
    }
}

fn numbers<T>(value: &DynValue) -> Result<Tensor, String>
where
    T: PrimitiveTensorElementType + Copy,
    Data: From<Vec<T>>,
{
    let (shape, values) = value.try_extract_tensor::<T>().map_err(|error| error.to_string())?;
    shaped(shape, values.to_vec())
}

fn shaped<T>(shape: &[i64], values: Vec<T>) -> Result<Tensor, String>
where
    Data: From<Vec<T>>,
{
    let dims = shape.iter().map(|&size| usize::try_from(size));
    let dims = dims.collect::<Result<Vec<_>, _>>().map_err(|_| "it has a size below 0")?;
    Tensor::new(dims, values).map_err(|trouble| trouble.to_string())
}

/// A row for each map, in the order of the first one's keys.
fn maps<K>(
    value: &DynValue,
    entries: impl Fn(&Value<DynMapValueType>) -> Result<Vec<(K, f32)>, String>,
) -> Result<Output, String>
where
    K: Clone + PartialEq,
    Data: From<Vec<K>>,
{
    let view = value.view();
    let sequence = view
        .downcast::<ort::value::DynSequenceValueType>()
        .and_then(|sequence| sequence.try_extract_sequence::<DynMapValueType>());
    let sequence = sequence.map_err(|error| error.to_string())?;
    let mut keys: Vec<K> = Vec::new();
    let mut values = Vec::new();
    for (at, map) in sequence.iter().enumerate() {
        let row = entries(map)?;
        if at == 0 {
            keys = row.iter().map(|(key, _)| key.clone()).collect();
        }
        for (at, key) in keys.iter().enumerate() {
            // Maps of one model hold the same keys, in most cases in the same order.
            let same = row.get(at).filter(|(other, _)| other == key);
            let entry = same.or_else(|| row.iter().find(|(other, _)| other == key));
            let entry = entry.ok_or("its maps hold different keys")?;
            values.push(entry.1);
        }
        if row.len() != keys.len() {
            return Err("its maps hold different keys".into());
        }
    }
    let values = Tensor::new([sequence.len(), keys.len()], values);
    let keys = Tensor::new([keys.len()], keys);
    let text = |trouble: modelward_engine::Trouble| trouble.to_string();
    Ok(Output { values: values.map_err(text)?, keys: Some(keys.map_err(text)?) })
}
