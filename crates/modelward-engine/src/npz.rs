//! Tensors of a NumPy `.npz`: what a model is fed, and what it gives.
//!
//! Read by this project's own bounded readers of zip and npy (NumPy format 1.0 to 3.0, stored or
//! deflated); arrays of objects are refused, never unpickled. Written to a temporary name, renamed
//! when whole.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use half::f16;
use modelward_formats::{Budget, Bytes, npy, zip};

use crate::{
    Data, Element, Kind, Limits, Result, Tensor, Trouble, Type, exec::size, file, replace::replace,
};

/// Tensors by name.
pub type Arrays = BTreeMap<String, Arc<Tensor>>;

/// Read every array of a file.
///
/// # Errors
/// Where the file is no npz, holds an array twice, one of objects, or more than the limits allow.
pub fn read(bytes: &Bytes, limits: &Limits) -> Result<Arrays> {
    let budget = Budget::new(modelward_formats::Limits {
        expanded: limits.memory,
        ..modelward_formats::Limits::default()
    });
    let wrong = |why: String| Trouble::new(Kind::Input, why);
    let readings = modelward_formats::read(bytes, &budget);
    let assets = readings.iter().filter_map(|reading| reading.asset.as_ref().ok());
    let archive = assets.filter_map(|asset| zip::archive(&**asset)).next();
    let archive = archive.ok_or_else(|| wrong("expected an npz file, which is a zip".into()))?;
    let mut arrays = Arrays::new();
    let mut taken = 0_u64;
    for member in &archive.members {
        let shown = member.shown();
        let name = shown.strip_suffix(".npy").unwrap_or(&shown).to_owned();
        let mut views = archive.open(member).into_iter();
        let (Some(view), None) = (views.next(), views.next()) else {
            return Err(wrong(format!("`{shown}` can be read in two ways, or none")));
        };
        let content = view.bytes?;
        let tensor = array(&content, &budget, limits, &mut taken)
            .map_err(|trouble| trouble.at(|| format!("array `{name}`")))?;
        if arrays.insert(name.clone(), Arc::new(tensor)).is_some() {
            return Err(wrong(format!("the array `{name}` stands twice")));
        }
    }
    Ok(arrays)
}

fn array(bytes: &Bytes, budget: &Arc<Budget>, limits: &Limits, taken: &mut u64) -> Result<Tensor> {
    let wrong = |why: String| Trouble::new(Kind::Input, why);
    let asset =
        (npy::NPY.read)(bytes, budget).ok_or_else(|| wrong("expected an npy array".into()))??;
    let arrays = (&*asset as &dyn std::any::Any).downcast_ref::<npy::Arrays>();
    let arrays = arrays.ok_or_else(|| wrong("expected an npy array".into()))?;
    if let Some(gap) = arrays.gaps.first() {
        return Err(wrong(gap.to_string()));
    }
    let [array] = &arrays.arrays[..] else { return Err(wrong("expected one array".into())) };
    let dims = array.shape.iter().map(|&size| usize::try_from(size));
    let dims = dims.collect::<std::result::Result<Vec<_>, _>>();
    let dims = dims.map_err(|_| wrong("a dimension beyond the memory".into()))?;
    let element = match (array.letter, array.item_size) {
        (_, _) if array.objects => None,
        (Some(('f', _)), 4) => Some(Element::F32),
        (Some(('f', _)), 8) => Some(Element::F64),
        (Some(('f', _)), 2) => Some(Element::F16),
        (Some(('i', _)), 1) => Some(Element::I8),
        (Some(('i', _)), 2) => Some(Element::I16),
        (Some(('i', _)), 4) => Some(Element::I32),
        (Some(('i', _)), 8) => Some(Element::I64),
        (Some(('u', _)), 1) => Some(Element::U8),
        (Some(('u', _)), 2) => Some(Element::U16),
        (Some(('u', _)), 4) => Some(Element::U32),
        (Some(('u', _)), 8) => Some(Element::U64),
        (Some(('?' | 'b', _)), 1) => Some(Element::Bool),
        (Some(('U', _)), _) => Some(Element::Text),
        _ => None,
    };
    let element = element.ok_or_else(|| {
        let what = if array.objects { "Python objects" } else { "no type that a model takes" };
        wrong(format!("its elements are {what}"))
    })?;
    let kind = Type::new(element, dims);
    *taken = taken.saturating_add(kind.bytes()?);
    if *taken > limits.memory {
        let (taken, limit) = (size(*taken), size(limits.memory));
        return Err(Trouble::limit(format!("the arrays take {taken}, over the limit of {limit}")));
    }
    let big = array.letter.is_some_and(|(_, big)| big);
    let length = array.data.end.saturating_sub(array.data.start);
    let slice = bytes.slice(array.data.start, length)?;
    let count = kind.count()?;
    let data = elements(&slice, element, array.item_size, count, big)?;
    if !array.fortran_order || kind.dims.len() < 2 {
        return Tensor::new(kind.dims, data);
    }
    // The first index runs fastest: read along the reversed axes.
    let mut stride = 1;
    let strides = kind.dims.iter().map(|&size| {
        let here = stride;
        stride *= size;
        here
    });
    let strides = strides.collect::<Vec<_>>();
    let places = (0..count).map(|mut at| {
        let mut place = 0;
        for (size, stride) in kind.dims.iter().zip(&strides).rev() {
            place += at % size * stride;
            at /= size;
        }
        place
    });
    let data = data.gather(places);
    Tensor::new(kind.dims, data)
}

fn elements(bytes: &Bytes, element: Element, width: u64, count: usize, big: bool) -> Result<Data> {
    let mut cursor = bytes.cursor();
    macro_rules! numbers {
        ($kind:ty) => {{
            let mut values: Vec<$kind> = Vec::with_capacity(count);
            for _ in 0..count {
                let bytes = cursor.array()?;
                values.push(if big {
                    <$kind>::from_be_bytes(bytes)
                } else {
                    <$kind>::from_le_bytes(bytes)
                });
            }
            values.into()
        }};
    }
    Ok(match element {
        Element::F32 => numbers!(f32),
        Element::F64 => numbers!(f64),
        Element::F16 => numbers!(f16),
        Element::I8 => numbers!(i8),
        Element::I16 => numbers!(i16),
        Element::I32 => numbers!(i32),
        Element::I64 => numbers!(i64),
        Element::U8 => numbers!(u8),
        Element::U16 => numbers!(u16),
        Element::U32 => numbers!(u32),
        Element::U64 => numbers!(u64),
        Element::Bool => {
            let mut values = Vec::with_capacity(count);
            for _ in 0..count {
                let [byte] = cursor.array::<1>()?;
                values.push(byte != 0);
            }
            values.into()
        }
        Element::Text => {
            let mut texts: Vec<Arc<str>> = Vec::new();
            for _ in 0..count {
                let mut text = String::new();
                for _ in 0..width / 4 {
                    let bytes = cursor.array()?;
                    let code =
                        if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
                    let character = char::from_u32(code).ok_or_else(|| {
                        Trouble::new(Kind::Input, "a character that is none of Unicode")
                    })?;
                    text.push(character);
                }
                texts.push(text.trim_end_matches('\0').into());
            }
            texts.into()
        }
        Element::Bf16 => return Err(Trouble::unsupported("npy has no bf16")),
    })
}

/// Write arrays to a file, in the order of their names; bf16 as f32, which npy has.
///
/// # Errors
/// Where the file cannot be written. A file that was there before stays as it was then.
pub fn write(path: &Path, arrays: &Arrays) -> Result<()> {
    let system = |error: io::Error| {
        Trouble::new(Kind::System, format!("cannot write `{}`: {error}", path.display()))
    };
    replace(path, |file| pack(file, arrays).map(drop)).map_err(system)
}

fn pack<W: Write + io::Seek>(file: W, arrays: &Arrays) -> io::Result<W> {
    let mut archive = ::zip::ZipWriter::new(io::BufWriter::new(file));
    for (name, tensor) in arrays {
        let stored = ::zip::write::SimpleFileOptions::default()
            .compression_method(::zip::CompressionMethod::Stored)
            .last_modified_time(::zip::DateTime::default())
            .large_file(tensor.count() as u64 >= 1 << 28);
        archive.start_file(format!("{name}.npy"), stored)?;
        npy_of(&mut archive, tensor)?;
    }
    archive.finish()?.into_inner().map_err(|error| error.into_error())
}

/// Write one array in NumPy's format 1.0.
fn npy_of(out: &mut impl Write, tensor: &Tensor) -> io::Result<()> {
    let longest = match tensor.data() {
        Data::Text(texts) => {
            texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1)
        }
        _ => 0,
    };
    let code = match tensor.element() {
        Element::F32 | Element::Bf16 => "<f4".to_owned(),
        Element::F64 => "<f8".to_owned(),
        Element::F16 => "<f2".to_owned(),
        Element::I8 => "|i1".to_owned(),
        Element::I16 => "<i2".to_owned(),
        Element::I32 => "<i4".to_owned(),
        Element::I64 => "<i8".to_owned(),
        Element::U8 => "|u1".to_owned(),
        Element::U16 => "<u2".to_owned(),
        Element::U32 => "<u4".to_owned(),
        Element::U64 => "<u8".to_owned(),
        Element::Bool => "|b1".to_owned(),
        Element::Text => format!("<U{longest}"),
    };
    let mut shape = tensor.dims().iter().map(|size| format!("{size}, ")).collect::<String>();
    if tensor.dims().len() > 1 {
        shape.truncate(shape.len().saturating_sub(2));
    } else {
        shape = shape.trim_end().to_owned();
    }
    let mut header = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': ({shape}), }}");
    // Magic, version and length are 10 bytes; the data begin at a multiple of 64.
    let padding = 63 - (10 + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    macro_rules! write {
        ($values:expr) => {
            for value in $values {
                out.write_all(&value.to_le_bytes())?;
            }
        };
    }
    match tensor.data() {
        Data::F32(v) => write!(v),
        Data::F64(v) => write!(v),
        Data::F16(v) => write!(v),
        Data::Bf16(v) => write!(v.iter().map(|value| value.to_f32())),
        Data::I8(v) => write!(v),
        Data::I16(v) => write!(v),
        Data::I32(v) => write!(v),
        Data::I64(v) => write!(v),
        Data::U8(v) => out.write_all(v)?,
        Data::U16(v) => write!(v),
        Data::U32(v) => write!(v),
        Data::U64(v) => write!(v),
        Data::Bool(v) => write!(v.iter().map(|&value| u8::from(value))),
        Data::Text(texts) => {
            for text in texts {
                let padding = longest.saturating_sub(text.chars().count());
                let codes = text.chars().map(u32::from).chain(std::iter::repeat_n(0, padding));
                write!(codes);
            }
        }
    }
    Ok(())
}

/// Read every array of a file on disk.
///
/// # Errors
/// As [`read`], and where the file cannot be opened.
pub fn read_file(path: &Path, limits: &Limits) -> Result<Arrays> {
    let bytes = file::open(path)?;
    read(&bytes, limits)
}
