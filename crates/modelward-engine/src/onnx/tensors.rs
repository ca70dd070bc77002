//! The numbers of a file's tensors: counted against the bytes that are there, then read.

use std::{fs::File, path::Path, sync::Arc};

use half::{bf16, f16};
use modelward_formats::{
    Bytes,
    onnx::{self, Field},
};

use crate::{
    Data, Element, Kind, Limits, Result, Tensor, Trouble, Type, exec::size, graph::shorten,
};

/// Reads tensors of one model, in all at most what the limits allow.
#[derive(Debug)]
pub(super) struct Tensors<'a> {
    pub(super) bytes: &'a Bytes,
    /// Where external data lie.
    pub(super) folder: Option<&'a Path>,
    pub(super) limits: &'a Limits,
    pub(super) read: u64,
}

impl Tensors<'_> {
    /// Read a tensor.
    pub(super) fn tensor(&mut self, tensor: &onnx::Tensor) -> Result<Tensor> {
        let name = || match tensor.name.is_empty() {
            true => format!("the tensor at byte {:#x}", tensor.at),
            false => format!("tensor `{}`", shorten(&tensor.name)),
        };
        self.read_tensor(tensor).map_err(|trouble| trouble.at(name))
    }

    fn read_tensor(&mut self, tensor: &onnx::Tensor) -> Result<Tensor> {
        let element =
            Element::of_onnx(tensor.data_type).ok_or_else(|| {
                match onnx::element_name(tensor.data_type) {
                    Some(name) if tensor.data_type != 0 => {
                        Trouble::unsupported(format!("its elements are of the type {name}"))
                    }
                    _ => Trouble::graph(format!("no such element type: {}", tensor.data_type)),
                }
            })?;
        let dims = tensor.dims.iter().map(|&size| {
            usize::try_from(size)
                .map_err(|_| Trouble::graph(format!("a negative dimension: {:?}", tensor.dims)))
        });
        let kind = Type::new(element, dims.collect::<Result<Vec<_>>>()?);
        let needed = kind.bytes()?;
        let count = kind.count()?;
        self.read = self.read.saturating_add(needed);
        if self.read > self.limits.memory {
            let (read, limit) = (size(self.read), size(self.limits.memory));
            return Err(Trouble::limit(format!(
                "the tensors take {read}, over the limit of {limit}"
            ))
            .help("raise the limit with `--max-memory`"));
        }
        let data = match &tensor.data {
            onnx::Data::None if count == 0 => element.zeros(0),
            onnx::Data::None => return Err(mismatch(&kind, count, 0)),
            onnx::Data::Raw(span) => {
                let length = span.end.saturating_sub(span.start);
                self.raw(&self.bytes.slice(span.start, length)?, &kind, needed)?
            }
            onnx::Data::Twice => return Err(Trouble::graph("its data stand in two places")),
            onnx::Data::External(entries) => {
                let bytes = self.external(entries, needed)?;
                self.raw(&bytes, &kind, needed)?
            }
            onnx::Data::Typed(Field::Text, _) if element == Element::Text => {
                let texts = tensor.texts(self.bytes, count)?;
                if texts.len() != count {
                    return Err(mismatch(&kind, count, texts.len()));
                }
                let text = |bytes: Vec<u8>| Arc::from(String::from_utf8_lossy(&bytes).as_ref());
                Data::Text(texts.into_iter().map(text).collect())
            }
            onnx::Data::Typed(field, _) => {
                // A number takes at least a byte, so nothing larger than the file is made.
                let numbers = tensor.typed(self.bytes, count)?;
                if numbers.len() != count {
                    return Err(mismatch(&kind, count, numbers.len()));
                }
                typed(element, *field, &numbers)?
            }
        };
        Tensor::new(kind.dims, data)
    }

    fn raw(&self, bytes: &Bytes, kind: &Type, needed: u64) -> Result<Data> {
        if kind.element == Element::Text {
            return Err(Trouble::graph("texts as raw bytes"));
        }
        if bytes.len() != needed {
            let got = bytes.len();
            return Err(Trouble::graph(format!("{kind} takes {needed} bytes, got {got}")));
        }
        let mut cursor = bytes.cursor();
        let count = kind.count()?;
        macro_rules! read {
            ($name:ident, $from:expr) => {{
                let mut values = Vec::with_capacity(count);
                for _ in 0..count {
                    values.push($from(cursor.array()?));
                }
                Data::$name(values)
            }};
        }
        Ok(match kind.element {
            Element::F32 => read!(F32, f32::from_le_bytes),
            Element::F64 => read!(F64, f64::from_le_bytes),
            Element::F16 => read!(F16, f16::from_le_bytes),
            Element::Bf16 => read!(Bf16, bf16::from_le_bytes),
            Element::I8 => read!(I8, i8::from_le_bytes),
            Element::I16 => read!(I16, i16::from_le_bytes),
            Element::I32 => read!(I32, i32::from_le_bytes),
            Element::I64 => read!(I64, i64::from_le_bytes),
            Element::U8 => read!(U8, u8::from_le_bytes),
            Element::U16 => read!(U16, u16::from_le_bytes),
            Element::U32 => read!(U32, u32::from_le_bytes),
            Element::U64 => read!(U64, u64::from_le_bytes),
            Element::Bool => read!(Bool, |[byte]: [u8; 1]| byte != 0),
            Element::Text => return Err(Trouble::graph("texts as raw bytes")),
        })
    }

    /// The bytes of a tensor in another file of the model's folder.
    ///
    /// Source: ONNX `docs/ExternalData.md`; what lies elsewhere is refused (CVE-2024-27318).
    fn external(&self, entries: &[(String, String)], needed: u64) -> Result<Bytes> {
        let entry = |key: &str| entries.iter().rev().find(|(k, _)| k == key).map(|(_, v)| &**v);
        let location = entry("location").unwrap_or_default();
        let outside = |why: &str| {
            let name = shorten(location);
            Trouble::new(Kind::Outside, format!("its data lie in `{name}`: {why}"))
                .help("data of a model lie beside it, under a plain relative name")
        };
        let plain = |part: &str| !matches!(part, "" | "." | "..");
        if location.contains(['\0', '\\', ':', char::REPLACEMENT_CHARACTER])
            || !location.split('/').all(plain)
        {
            return Err(outside("not a plain relative path"));
        }
        let folder = self.folder.ok_or_else(|| outside("the model is not in a folder"))?;
        let number = |key: &str| match entry(key) {
            None => Ok(None),
            Some(text) => text.parse::<u64>().map(Some).map_err(|_| {
                Trouble::graph(format!("expected a number as `{key}`, got `{}`", shorten(text)))
            }),
        };
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        if length.is_some_and(|length| length != needed) {
            let got = length.unwrap_or(0);
            return Err(Trouble::graph(format!("it takes {needed} bytes, its data {got}")));
        }
        let missing = |error: &std::io::Error| {
            Trouble::graph(format!("its data lie in `{}`: {error}", shorten(location)))
        };
        let home = folder.canonicalize().map_err(|error| missing(&error))?;
        let path = folder.join(location).canonicalize().map_err(|error| missing(&error))?;
        if !path.starts_with(&home) {
            return Err(outside("a link leads out of the model's folder"));
        }
        // Looked at before it is opened: opening a FIFO or a device may wait or act.
        let is_file = |metadata: std::io::Result<std::fs::Metadata>| {
            metadata.map(|metadata| metadata.is_file()).map_err(|error| missing(&error))
        };
        if !is_file(path.symlink_metadata())? {
            return Err(outside("not a regular file"));
        }
        let file = File::open(&path).map_err(|error| missing(&error))?;
        if !is_file(file.metadata())? {
            return Err(outside("not a regular file"));
        }
        let length = file.metadata().map_err(|error| missing(&error))?.len();
        let bytes = Bytes::file(file, length).map_err(|error| missing(&error))?;
        bytes.slice(offset, needed).map_err(|_| {
            let got = bytes.len();
            Trouble::graph(format!(
                "{needed} bytes from {offset} of `{}`, which has {got}",
                shorten(location)
            ))
        })
    }
}

fn mismatch(kind: &Type, expected: usize, got: usize) -> Trouble {
    Trouble::graph(format!("{kind} has {expected} elements, its data {got}"))
}

/// Numbers of a typed field. Which element may stand in which field: `onnx.proto`, `TensorProto`.
#[allow(clippy::cast_possible_wrap, reason = "so they are written")]
fn typed(element: Element, field: Field, numbers: &[u64]) -> Result<Data> {
    let all = numbers.iter().copied();
    Ok(match (element, field) {
        (Element::F32, Field::Float) => {
            all.map(|n| f32::from_bits(n as u32)).collect::<Vec<_>>().into()
        }
        (Element::F64, Field::Double) => all.map(f64::from_bits).collect::<Vec<_>>().into(),
        (Element::I64, Field::Int64) => all.map(|n| n as i64).collect::<Vec<_>>().into(),
        (Element::U64, Field::Uint64) => all.collect::<Vec<_>>().into(),
        (Element::U32, Field::Uint64) => all.map(|n| n as u32).collect::<Vec<_>>().into(),
        (Element::I32, Field::Int32) => all.map(|n| n as i32).collect::<Vec<_>>().into(),
        (Element::I16, Field::Int32) => all.map(|n| n as i16).collect::<Vec<_>>().into(),
        (Element::I8, Field::Int32) => all.map(|n| n as i8).collect::<Vec<_>>().into(),
        (Element::U16, Field::Int32) => all.map(|n| n as u16).collect::<Vec<_>>().into(),
        (Element::U8, Field::Int32) => all.map(|n| n as u8).collect::<Vec<_>>().into(),
        (Element::Bool, Field::Int32) => all.map(|n| n != 0).collect::<Vec<_>>().into(),
        (Element::F16, Field::Int32) => {
            all.map(|n| f16::from_bits(n as u16)).collect::<Vec<_>>().into()
        }
        (Element::Bf16, Field::Int32) => {
            all.map(|n| bf16::from_bits(n as u16)).collect::<Vec<_>>().into()
        }
        _ => return Err(Trouble::graph(format!("elements {element} in a field of another type"))),
    })
}
