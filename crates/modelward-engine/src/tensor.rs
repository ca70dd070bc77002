//! Tensors: a shape and the numbers in row-major order.

use std::{fmt, sync::Arc};

use half::{bf16, f16};

use crate::{Result, Trouble};

/// The types of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum Element {
    F32,
    F64,
    F16,
    Bf16,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
    Text,
}

/// What a value is: the type of its elements, and its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// Type of the elements.
    pub element: Element,
    /// Its shape.
    pub dims: Vec<usize>,
}

/// Elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is its element's name")]
pub enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    Bool(Vec<bool>),
    Text(Vec<Arc<str>>),
}

/// A tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    dims: Vec<usize>,
    data: Data,
}

/// Do the same with the elements of any type.
#[macro_export]
#[doc(hidden)]
macro_rules! each {
    ($data:expr, $v:pat => $body:expr) => {
        match $data {
            $crate::Data::F32($v) => $body,
            $crate::Data::F64($v) => $body,
            $crate::Data::F16($v) => $body,
            $crate::Data::Bf16($v) => $body,
            $crate::Data::I8($v) => $body,
            $crate::Data::I16($v) => $body,
            $crate::Data::I32($v) => $body,
            $crate::Data::I64($v) => $body,
            $crate::Data::U8($v) => $body,
            $crate::Data::U16($v) => $body,
            $crate::Data::U32($v) => $body,
            $crate::Data::U64($v) => $body,
            $crate::Data::Bool($v) => $body,
            $crate::Data::Text($v) => $body,
        }
    };
}

/// Make elements of the same type, whatever it is.
#[macro_export]
#[doc(hidden)]
macro_rules! alike {
    ($data:expr, $v:pat => $body:expr) => {
        match $data {
            $crate::Data::F32($v) => $crate::Data::F32($body),
            $crate::Data::F64($v) => $crate::Data::F64($body),
            $crate::Data::F16($v) => $crate::Data::F16($body),
            $crate::Data::Bf16($v) => $crate::Data::Bf16($body),
            $crate::Data::I8($v) => $crate::Data::I8($body),
            $crate::Data::I16($v) => $crate::Data::I16($body),
            $crate::Data::I32($v) => $crate::Data::I32($body),
            $crate::Data::I64($v) => $crate::Data::I64($body),
            $crate::Data::U8($v) => $crate::Data::U8($body),
            $crate::Data::U16($v) => $crate::Data::U16($body),
            $crate::Data::U32($v) => $crate::Data::U32($body),
            $crate::Data::U64($v) => $crate::Data::U64($body),
            $crate::Data::Bool($v) => $crate::Data::Bool($body),
            $crate::Data::Text($v) => $crate::Data::Text($body),
        }
    };
}

/// Do the same with numbers of any type; everything else goes to the last arm.
#[macro_export]
#[doc(hidden)]
macro_rules! numbers {
    ($data:expr, $v:pat => $body:expr, _ => $other:expr) => {
        match $data {
            $crate::Data::F32($v) => $body,
            $crate::Data::F64($v) => $body,
            $crate::Data::I8($v) => $body,
            $crate::Data::I16($v) => $body,
            $crate::Data::I32($v) => $body,
            $crate::Data::I64($v) => $body,
            $crate::Data::U8($v) => $body,
            $crate::Data::U16($v) => $body,
            $crate::Data::U32($v) => $body,
            $crate::Data::U64($v) => $body,
            _ => $other,
        }
    };
}

impl Element {
    /// Every type, in the order of this list.
    pub const ALL: [Self; 14] = [
        Self::F32,
        Self::F64,
        Self::F16,
        Self::Bf16,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::Bool,
        Self::Text,
    ];

    /// Of a `TensorProto.DataType`.
    pub fn of_onnx(data_type: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|element| element.to_onnx() == data_type)
    }

    /// As a `TensorProto.DataType`.
    pub fn to_onnx(self) -> i64 {
        match self {
            Self::F32 => 1,
            Self::U8 => 2,
            Self::I8 => 3,
            Self::U16 => 4,
            Self::I16 => 5,
            Self::I32 => 6,
            Self::I64 => 7,
            Self::Text => 8,
            Self::Bool => 9,
            Self::F16 => 10,
            Self::F64 => 11,
            Self::U32 => 12,
            Self::U64 => 13,
            Self::Bf16 => 16,
        }
    }

    /// Bytes of one; of a text its handle.
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
            Self::Text => 16,
        }
    }

    /// Whether it is a number with a fraction.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64 | Self::F16 | Self::Bf16)
    }

    /// Whether it is a float of 16 bits: computed in 32, and rounded.
    pub fn is_half(self) -> bool {
        matches!(self, Self::F16 | Self::Bf16)
    }

    /// `size` zeros, empty texts or falses.
    pub fn zeros(self, count: usize) -> Data {
        match self {
            Self::F32 => Data::F32(vec![0.0; count]),
            Self::F64 => Data::F64(vec![0.0; count]),
            Self::F16 => Data::F16(vec![f16::ZERO; count]),
            Self::Bf16 => Data::Bf16(vec![bf16::ZERO; count]),
            Self::I8 => Data::I8(vec![0; count]),
            Self::I16 => Data::I16(vec![0; count]),
            Self::I32 => Data::I32(vec![0; count]),
            Self::I64 => Data::I64(vec![0; count]),
            Self::U8 => Data::U8(vec![0; count]),
            Self::U16 => Data::U16(vec![0; count]),
            Self::U32 => Data::U32(vec![0; count]),
            Self::U64 => Data::U64(vec![0; count]),
            Self::Bool => Data::Bool(vec![false; count]),
            Self::Text => Data::Text(vec![Arc::default(); count]),
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::Bool => "bool",
            Self::Text => "string",
        })
    }
}

impl Type {
    /// Of these elements, of this shape.
    pub fn new(element: Element, dims: impl Into<Vec<usize>>) -> Self {
        Self { element, dims: dims.into() }
    }

    /// How many elements it has.
    ///
    /// # Errors
    /// Where that is more than can be counted.
    pub fn count(&self) -> Result<usize> {
        count(&self.dims)
    }

    /// How many bytes it takes.
    ///
    /// # Errors
    /// Where that is more than can be counted.
    pub fn bytes(&self) -> Result<u64> {
        let bytes = (self.count()? as u64).checked_mul(self.element.size() as u64);
        bytes.ok_or_else(|| Trouble::limit(format!("{self} takes more bytes than can be counted")))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.element)?;
        for (axis, size) in self.dims.iter().enumerate() {
            write!(f, "{}{size}", if axis == 0 { "" } else { "," })?;
        }
        f.write_str("]")
    }
}

/// The product of dimensions.
///
/// # Errors
/// Where it is more than can be counted, also where another dimension is 0.
pub(crate) fn count(dims: &[usize]) -> Result<usize> {
    let nonzero = dims.iter().filter(|&&size| size != 0);
    let product = nonzero.copied().try_fold(1_usize, usize::checked_mul);
    match product {
        Some(_) if dims.contains(&0) => Ok(0),
        Some(product) if product as u64 <= u64::MAX >> 8 => Ok(product),
        _ => Err(Trouble::limit(format!("a tensor of shape {dims:?} has too many elements"))),
    }
}

impl Data {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        each!(self, v => v.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their type.
    pub fn element(&self) -> Element {
        match self {
            Self::F32(_) => Element::F32,
            Self::F64(_) => Element::F64,
            Self::F16(_) => Element::F16,
            Self::Bf16(_) => Element::Bf16,
            Self::I8(_) => Element::I8,
            Self::I16(_) => Element::I16,
            Self::I32(_) => Element::I32,
            Self::I64(_) => Element::I64,
            Self::U8(_) => Element::U8,
            Self::U16(_) => Element::U16,
            Self::U32(_) => Element::U32,
            Self::U64(_) => Element::U64,
            Self::Bool(_) => Element::Bool,
            Self::Text(_) => Element::Text,
        }
    }

    /// The elements at these places, in their order. The caller has checked the places.
    #[allow(clippy::clone_on_copy, reason = "texts are cloned")]
    pub(crate) fn gather(&self, places: impl Iterator<Item = usize>) -> Self {
        alike!(self, v => places.map(|place| v[place].clone()).collect())
    }
}

/// Conversions between a vector of elements and [`Data`].
pub trait Scalar: Clone + Default + PartialEq + Send + Sync + 'static {
    /// Its type.
    const ELEMENT: Element;
    /// The vector inside, where it is of this type.
    fn of(data: &Data) -> Option<&Vec<Self>>;
    /// The same, to be changed.
    fn of_mut(data: &mut Data) -> Option<&mut Vec<Self>>;
    /// The vector as data.
    fn into_data(values: Vec<Self>) -> Data;
}

macro_rules! scalars {
    ($($kind:ty = $name:ident),*) => {$(
        impl Scalar for $kind {
            const ELEMENT: Element = Element::$name;

            fn of(data: &Data) -> Option<&Vec<Self>> {
                match data {
                    Data::$name(values) => Some(values),
                    _ => None,
                }
            }

            fn of_mut(data: &mut Data) -> Option<&mut Vec<Self>> {
                match data {
                    Data::$name(values) => Some(values),
                    _ => None,
                }
            }

            fn into_data(values: Vec<Self>) -> Data {
                Data::$name(values)
            }
        }

        impl From<Vec<$kind>> for Data {
            fn from(values: Vec<$kind>) -> Self {
                Self::$name(values)
            }
        }
    )*};
}

scalars!(
    f32 = F32, f64 = F64, f16 = F16, bf16 = Bf16, i8 = I8, i16 = I16, i32 = I32, i64 = I64, u8 = U8, u16 = U16, u32 = U32,
    u64 = U64, bool = Bool, Arc<str> = Text
);

/// Numbers of any type; whole ones wrap.
pub trait Number: Scalar + Copy + PartialOrd {
    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The product.
    fn times(self, other: Self) -> Self;
}

macro_rules! number {
    ($($kind:ty: |$a:ident, $b:ident| $plus:expr, $times:expr;)*) => {$(
        impl Number for $kind {
            fn plus(self, other: Self) -> Self {
                let ($a, $b) = (self, other);
                $plus
            }

            fn times(self, other: Self) -> Self {
                let ($a, $b) = (self, other);
                $times
            }
        }
    )*};
}

number! {
    f32: |a, b| a + b, a * b;
    f64: |a, b| a + b, a * b;
    i8: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    i16: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    i32: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    i64: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    u8: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    u16: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    u32: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
    u64: |a, b| a.wrapping_add(b), a.wrapping_mul(b);
}

impl Tensor {
    /// Of this shape, with these elements.
    ///
    /// # Errors
    /// Where there are more or fewer elements than the shape has.
    pub fn new(dims: impl Into<Vec<usize>>, data: impl Into<Data>) -> Result<Self> {
        let (dims, data) = (dims.into(), data.into());
        let (expected, got) = (count(&dims)?, data.len());
        if expected != got {
            return Err(Trouble::graph(format!(
                "expected {expected} elements for shape {dims:?}, got {got}"
            )));
        }
        Ok(Self { dims, data })
    }

    /// A tensor without dimensions.
    pub fn scalar<T: Scalar>(value: T) -> Self {
        Self { dims: Vec::new(), data: T::into_data(vec![value]) }
    }

    /// A tensor of one dimension.
    pub fn list<T: Scalar>(values: Vec<T>) -> Self {
        Self { dims: vec![values.len()], data: T::into_data(values) }
    }

    /// All zeros.
    ///
    /// # Errors
    /// Where its elements cannot be counted. The caller has bounded them.
    pub fn zeros(kind: &Type) -> Result<Self> {
        Ok(Self { data: kind.element.zeros(kind.count()?), dims: kind.dims.clone() })
    }

    /// Its shape.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// Its elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Its elements, to be changed in place.
    pub fn data_mut(&mut self) -> &mut Data {
        &mut self.data
    }

    /// Its shape and its elements.
    pub fn into_parts(self) -> (Vec<usize>, Data) {
        (self.dims, self.data)
    }

    /// The type of its elements.
    pub fn element(&self) -> Element {
        self.data.element()
    }

    /// How many elements it has.
    pub fn count(&self) -> usize {
        self.data.len()
    }

    /// Its type.
    pub fn kind(&self) -> Type {
        Type::new(self.element(), self.dims.clone())
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    /// Where the shape has more or fewer elements.
    pub fn reshaped(self, dims: impl Into<Vec<usize>>) -> Result<Self> {
        Self::new(dims, self.data)
    }

    /// Its elements, where they are of this type.
    ///
    /// # Errors
    /// Where they are of another.
    pub fn values<T: Scalar>(&self) -> Result<&[T]> {
        T::of(&self.data).map(Vec::as_slice).ok_or_else(|| {
            Trouble::graph(format!("expected {} elements, got {}", T::ELEMENT, self.element()))
        })
    }

    /// Its elements as whole numbers, where they are `i64`, `i32` or another integer.
    ///
    /// # Errors
    /// Where they are no integers, or do not fit.
    pub fn ints(&self) -> Result<Vec<i64>> {
        let wrong = || Trouble::graph(format!("expected whole numbers, got {}", self.element()));
        Ok(match &self.data {
            Data::I64(v) => v.clone(),
            Data::I32(v) => v.iter().map(|&n| n.into()).collect(),
            Data::I16(v) => v.iter().map(|&n| n.into()).collect(),
            Data::I8(v) => v.iter().map(|&n| n.into()).collect(),
            Data::U8(v) => v.iter().map(|&n| n.into()).collect(),
            Data::U16(v) => v.iter().map(|&n| n.into()).collect(),
            Data::U32(v) => v.iter().map(|&n| n.into()).collect(),
            Data::U64(v) => {
                v.iter().map(|&n| i64::try_from(n).map_err(|_| wrong())).collect::<Result<_>>()?
            }
            _ => return Err(wrong()),
        })
    }

    /// Its elements as `f64`, whatever number they are.
    ///
    /// # Errors
    /// Where they are texts.
    pub fn floats(&self) -> Result<Vec<f64>> {
        self.cast(Element::F64).and_then(|cast| cast.values::<f64>().map(<[f64]>::to_vec))
    }

    /// Its elements converted as `Cast` does: to integers towards zero, what does not fit to the
    /// nearest that does, NaN to 0.
    ///
    /// # Errors
    /// Between numbers and texts.
    pub fn cast(&self, to: Element) -> Result<Self> {
        Ok(Self { dims: self.dims.clone(), data: cast(&self.data, to)? })
    }
}

fn cast(data: &Data, to: Element) -> Result<Data> {
    macro_rules! from {
        ($values:expr, $widen:expr) => {{
            let values = $values.iter().map($widen);
            match to {
                Element::F32 => Data::F32(values.map(|v| v as f32).collect()),
                Element::F64 => Data::F64(values.map(|v| v as f64).collect()),
                Element::F16 => Data::F16(values.map(|v| f16::from_f64(v as f64)).collect()),
                Element::Bf16 => Data::Bf16(values.map(|v| bf16::from_f64(v as f64)).collect()),
                Element::I8 => Data::I8(values.map(|v| v as i8).collect()),
                Element::I16 => Data::I16(values.map(|v| v as i16).collect()),
                Element::I32 => Data::I32(values.map(|v| v as i32).collect()),
                Element::I64 => Data::I64(values.map(|v| v as i64).collect()),
                Element::U8 => Data::U8(values.map(|v| v as u8).collect()),
                Element::U16 => Data::U16(values.map(|v| v as u16).collect()),
                Element::U32 => Data::U32(values.map(|v| v as u32).collect()),
                Element::U64 => Data::U64(values.map(|v| v as u64).collect()),
                Element::Bool => Data::Bool(values.map(|v| v as f64 != 0.0).collect()),
                Element::Text => return Err(no_text()),
            }
        }};
    }
    if data.element() == to {
        return Ok(data.clone());
    }
    Ok(match data {
        Data::F32(v) => from!(v, |&v| v),
        Data::F64(v) => from!(v, |&v| v),
        Data::F16(v) => from!(v, |&v| v.to_f32()),
        Data::Bf16(v) => from!(v, |&v| v.to_f32()),
        Data::I8(v) => from!(v, |&v| v),
        Data::I16(v) => from!(v, |&v| v),
        Data::I32(v) => from!(v, |&v| v),
        Data::I64(v) => from!(v, |&v| v),
        Data::U8(v) => from!(v, |&v| v),
        Data::U16(v) => from!(v, |&v| v),
        Data::U32(v) => from!(v, |&v| v),
        Data::U64(v) => from!(v, |&v| v),
        Data::Bool(v) => from!(v, |&v| u8::from(v)),
        Data::Text(_) => return Err(no_text()),
    })
}

fn no_text() -> Trouble {
    Trouble::unsupported("a conversion between numbers and texts")
}
