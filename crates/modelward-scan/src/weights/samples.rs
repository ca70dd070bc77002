//! Files for the checks' samples, written field by field so that each field can lie.

use crate::archive::sample::{ZipMember, zip};

/// A safetensors file with this header.
pub(super) fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A safetensors file of one tensor with this entry.
pub(super) fn one(entry: &str, data: &[u8]) -> Vec<u8> {
    safetensors(&format!(r#"{{"a":{entry}}}"#), data)
}

/// A safetensors file of two tensors of 16 bytes: `a` at 0, and one of this name and range.
pub(super) fn pair(name: &str, start: usize, end: usize) -> Vec<u8> {
    let entry =
        |start, end| format!(r#"{{"dtype":"F32","shape":[4],"data_offsets":[{start},{end}]}}"#);
    let header = format!(r#"{{"a":{},"{name}":{}}}"#, entry(0, 16), entry(start, end));
    safetensors(&header, &vec![0; end])
}

/// A good safetensors file, but for the length of its header.
pub(super) fn lying(length: u64) -> Vec<u8> {
    let mut file = one(r#"{"dtype":"F32","shape":[4],"data_offsets":[0,16]}"#, &[0; 16]);
    file[..8].copy_from_slice(&length.to_le_bytes());
    file
}

/// A TorchScript archive whose module does this.
pub(super) fn torchscript(line: &str) -> Vec<u8> {
    let head = "class M(Module):\n  def forward(self, x: Tensor) -> Tensor:";
    let code = format!("{head}\n    {line}\n    return x\n");
    zip(&[
        ZipMember::new("m/data.pkl", b"\x80\x02c__torch__\nM\n)\x81."),
        ZipMember::new("m/code/__torch__.py", code.as_bytes()),
        ZipMember::new("m/constants.pkl", b"\x80\x02)."),
    ])
}

/// A numpy file of format 1.0.
pub(super) fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), data].concat()
}

/// Writes a GGUF file.
pub(super) struct Gguf(Vec<u8>);

impl Gguf {
    pub(super) fn new(tensors: u64, values: u64) -> Self {
        Self(b"GGUF\x03\0\0\0".to_vec()).u64(tensors).u64(values)
    }

    pub(super) fn text(self, key: &str, text: &str) -> Self {
        self.string(key).u32(8).string(text)
    }

    pub(super) fn number(self, key: &str, number: u32) -> Self {
        self.string(key).u32(4).u32(number)
    }

    /// An array that declares this many elements and has none.
    pub(super) fn array(self, key: &str, kind: u32, count: u64) -> Self {
        self.string(key).u32(9).u32(kind).u64(count)
    }

    pub(super) fn tensor(self, name: &str, shape: &[u64], kind: u32, offset: u64) -> Self {
        let file = self.dimensions(name, u32::try_from(shape.len()).unwrap());
        shape.iter().fold(file, |file, &size| file.u64(size)).u32(kind).u64(offset)
    }

    /// A tensor's entry up to its number of dimensions.
    pub(super) fn dimensions(self, name: &str, dimensions: u32) -> Self {
        self.string(name).u32(dimensions)
    }

    /// The file, with this many zeros of data behind the aligned table.
    pub(super) fn data(mut self, length: usize) -> Vec<u8> {
        let start = self.0.len().next_multiple_of(32);
        self.0.resize(start.saturating_add(length), 0);
        self.0
    }

    /// The file, without data.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn u32(mut self, number: u32) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn u64(mut self, number: u64) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn string(mut self, text: &str) -> Self {
        self = self.u64(text.len() as u64);
        self.0.extend(text.as_bytes());
        self
    }
}
