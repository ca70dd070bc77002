//! What the elements of a tensor are, under one name for all formats.

/// A type of element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// Its name in a manifest: `f32`, `bf16`, `i64`, `q4_0`.
    pub name: &'static str,
    /// How its bytes are turned where a file has the highest byte first.
    pub order: Order,
}

/// What turning the order of bytes means for a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Numbers of so many bytes; complex ones are two.
    Bytes(u8),
    /// Blocks, or several numbers in one byte.
    Packed,
}

impl Kind {
    /// A type that has no name here.
    pub const UNKNOWN: Self = Self { name: "unknown", order: Order::Packed };

    /// The type of this name in a manifest.
    pub fn named(name: &str) -> Option<Self> {
        KINDS.iter().find(|(kind, ..)| kind.name == name).map(|(kind, ..)| *kind)
    }

    /// The type of this name in safetensors (`BF16`) or ggml (`Q4_0`).
    pub(crate) fn of_weights(name: &str) -> Option<Self> {
        let known = KINDS.iter().find(|(_, weights, ..)| *weights == name);
        known.map(|(kind, ..)| *kind).or_else(|| {
            let block = BLOCKS.iter().find(|(upper, _)| *upper == name);
            block.map(|&(_, name)| Self { name, order: Order::Packed })
        })
    }

    /// The type of this letter and so many bytes in numpy.
    pub(crate) fn of_numpy(letter: char, size: u64) -> Option<Self> {
        let name = match (letter, size) {
            // `b1` is a truth, `i1` a small number.
            ('?' | 'b', 1) => "bool",
            ('i', 1) => "i8",
            ('i', 2) => "i16",
            ('i', 4) => "i32",
            ('i', 8) => "i64",
            ('u', 1) => "u8",
            ('u', 2) => "u16",
            ('u', 4) => "u32",
            ('u', 8) => "u64",
            ('f', 2) => "f16",
            ('f', 4) => "f32",
            ('f', 8) => "f64",
            ('c', 8) => "c64",
            ('c', 16) => "c128",
            _ => return None,
        };
        Self::named(name)
    }

    /// The type of a `TensorProto.DataType`.
    pub(crate) fn of_onnx(data_type: i64) -> Option<Self> {
        let known = KINDS.iter().find(|(_, _, number, _)| *number == Some(data_type));
        known.map(|(kind, ..)| *kind)
    }

    /// The type of a storage class of torch (`FloatStorage`), or of a dtype (`float32`).
    pub(crate) fn of_torch(name: &str) -> Option<Self> {
        let known = KINDS.iter().find(|(_, _, _, torch)| torch.contains(&name));
        known.map(|(kind, ..)| *kind)
    }

    /// Bytes of one element, where elements are whole bytes.
    pub fn width(self) -> Option<u64> {
        match (self.name, self.order) {
            ("c64", _) => Some(8),
            ("c128", _) => Some(16),
            (_, Order::Bytes(width)) => Some(width.into()),
            (_, Order::Packed) => None,
        }
    }
}

const fn kind(name: &'static str, bytes: u8) -> Kind {
    Kind { name, order: if bytes == 0 { Order::Packed } else { Order::Bytes(bytes) } }
}

/// A type; its name in safetensors and ggml, its number in ONNX, its names in torch.
type Known = (Kind, &'static str, Option<i64>, &'static [&'static str]);

/// Types whose elements stand for themselves.
static KINDS: [Known; 26] = [
    (kind("f32", 4), "F32", Some(1), &["FloatStorage", "float32"]),
    (kind("f16", 2), "F16", Some(10), &["HalfStorage", "float16"]),
    (kind("bf16", 2), "BF16", Some(16), &["BFloat16Storage", "bfloat16"]),
    (kind("f64", 8), "F64", Some(11), &["DoubleStorage", "float64"]),
    (kind("i8", 1), "I8", Some(3), &["CharStorage", "int8"]),
    (kind("u8", 1), "U8", Some(2), &["ByteStorage", "uint8"]),
    (kind("i16", 2), "I16", Some(5), &["ShortStorage", "int16"]),
    (kind("u16", 2), "U16", Some(4), &["uint16"]),
    (kind("i32", 4), "I32", Some(6), &["IntStorage", "int32"]),
    (kind("u32", 4), "U32", Some(12), &["uint32"]),
    (kind("i64", 8), "I64", Some(7), &["LongStorage", "int64"]),
    (kind("u64", 8), "U64", Some(13), &["uint64"]),
    (kind("bool", 1), "BOOL", Some(9), &["BoolStorage", "bool"]),
    (kind("c64", 4), "C64", Some(14), &["ComplexFloatStorage", "complex64"]),
    (kind("c128", 8), "", Some(15), &["ComplexDoubleStorage", "complex128"]),
    (kind("f8e4m3", 1), "F8_E4M3", Some(17), &["float8_e4m3fn"]),
    (kind("f8e4m3fnuz", 1), "F8_E4M3FNUZ", Some(18), &["float8_e4m3fnuz"]),
    (kind("f8e5m2", 1), "F8_E5M2", Some(19), &["float8_e5m2"]),
    (kind("f8e5m2fnuz", 1), "F8_E5M2FNUZ", Some(20), &["float8_e5m2fnuz"]),
    (kind("f8e8m0", 1), "F8_E8M0", Some(24), &["float8_e8m0fnu"]),
    (kind("u4", 0), "", Some(21), &[]),
    (kind("i4", 0), "", Some(22), &[]),
    (kind("f4e2m1", 0), "F4", Some(23), &[]),
    (kind("u2", 0), "", Some(25), &[]),
    (kind("i2", 0), "", Some(26), &[]),
    (kind("c32", 2), "", None, &["complex32"]),
];

/// Types of ggml that are stored in blocks: the name there, and here.
static BLOCKS: [(&str, &str); 33] = [
    ("Q4_0", "q4_0"),
    ("Q4_1", "q4_1"),
    ("Q5_0", "q5_0"),
    ("Q5_1", "q5_1"),
    ("Q8_0", "q8_0"),
    ("Q8_1", "q8_1"),
    ("Q2_K", "q2_k"),
    ("Q3_K", "q3_k"),
    ("Q4_K", "q4_k"),
    ("Q5_K", "q5_k"),
    ("Q6_K", "q6_k"),
    ("Q8_K", "q8_k"),
    ("IQ2_XXS", "iq2_xxs"),
    ("IQ2_XS", "iq2_xs"),
    ("IQ3_XXS", "iq3_xxs"),
    ("IQ1_S", "iq1_s"),
    ("IQ4_NL", "iq4_nl"),
    ("IQ3_S", "iq3_s"),
    ("IQ2_S", "iq2_s"),
    ("IQ4_XS", "iq4_xs"),
    ("IQ1_M", "iq1_m"),
    ("Q4_0_4_4", "q4_0_4_4"),
    ("Q4_0_4_8", "q4_0_4_8"),
    ("Q4_0_8_8", "q4_0_8_8"),
    ("TQ1_0", "tq1_0"),
    ("TQ2_0", "tq2_0"),
    ("IQ4_NL_4_4", "iq4_nl_4_4"),
    ("IQ4_NL_4_8", "iq4_nl_4_8"),
    ("IQ4_NL_8_8", "iq4_nl_8_8"),
    ("MXFP4", "mxfp4"),
    ("NVFP4", "nvfp4"),
    ("Q1_0", "q1_0"),
    ("Q2_0", "q2_0"),
];
