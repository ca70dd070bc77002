//! Zip archives, field by field, so that each can be made to lie.

/// A member. Both headers start equal.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// The data as they stand in the archive.
    pub(crate) data: Vec<u8>,
    /// What the header before the data says.
    pub(crate) local: Fields,
    /// What the directory says.
    pub(crate) central: Fields,
}

/// What a header of a member says.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) name: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) compressed: u32,
    pub(crate) size: u32,
}

impl Member {
    pub(crate) fn new(name: &str, content: &[u8]) -> Self {
        Self::packed(name, content, 0, content.to_vec())
    }

    pub(crate) fn deflated(name: &str, content: &[u8]) -> Self {
        Self::packed(name, content, 8, miniz_oxide::deflate::compress_to_vec(content, 6))
    }

    fn packed(name: &str, content: &[u8], method: u16, data: Vec<u8>) -> Self {
        let fields = Fields {
            name: name.into(),
            // Names that are not ASCII are UTF-8.
            flags: if name.is_ascii() { 0 } else { 0x800 },
            method,
            crc: crc32fast::hash(content),
            compressed: data.len() as u32,
            size: content.len() as u32,
        };
        Self { data, local: fields.clone(), central: fields }
    }
}

/// An archive of these members.
pub(crate) fn zip(members: &[Member]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let at = bytes.len() as u32;
        bytes.extend(b"PK\x03\x04\x14\0");
        bytes.extend(fields(&member.local));
        bytes.extend([0, 0]);
        bytes.extend(&member.local.name);
        bytes.extend(&member.data);
        directory.extend(b"PK\x01\x02\x14\x03\x14\0");
        directory.extend(fields(&member.central));
        directory.extend([0; 8]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(&member.central.name);
    }
    let (at, count) = (bytes.len() as u32, members.len() as u16);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes().repeat(2));
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// The common part of both headers: from the flags to the length of the name.
fn fields(fields: &Fields) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(fields.flags.to_le_bytes());
    bytes.extend(fields.method.to_le_bytes());
    bytes.extend([0, 0, 0x21, 0x50]);
    bytes.extend(fields.crc.to_le_bytes());
    bytes.extend(fields.compressed.to_le_bytes());
    bytes.extend(fields.size.to_le_bytes());
    bytes.extend((fields.name.len() as u16).to_le_bytes());
    bytes
}
