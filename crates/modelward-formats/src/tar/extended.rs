//! What extended headers say in place of the plain one (POSIX.1-2017, `pax`, "pax Extended
//! Header"; GNU tar manual, "Storing Sparse Files").

/// The values that were overruled.
#[derive(Clone, Debug, Default)]
pub(super) struct Extended {
    pub(super) name: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// The real name of a sparse file.
    pub(super) sparse_name: Option<Vec<u8>>,
    /// The real size of a sparse file.
    pub(super) sparse_size: Option<u64>,
    /// Offsets and lengths of its pieces (formats 0.0 and 0.1).
    pub(super) sparse_map: Vec<u64>,
    /// Whether the pieces are listed before the data (format 1.0).
    pub(super) sparse_in_data: bool,
}

impl Extended {
    /// Take in records of the form `length key=value`.
    pub(super) fn read(&mut self, mut text: &[u8]) {
        while let Some((record, rest)) = record(text) {
            if let Some(equals) = record.iter().position(|&byte| byte == b'=') {
                let (key, value) = record.split_at_checked(equals).unwrap_or_default();
                self.set(key, value.get(1..).unwrap_or_default());
            }
            text = rest;
        }
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"path" => self.name = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.size = decimal(value),
            b"GNU.sparse.name" => self.sparse_name = Some(value.to_vec()),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.sparse_size = decimal(value),
            b"GNU.sparse.major" => self.sparse_in_data = value == b"1",
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                self.sparse_map.extend(decimal(value));
            }
            b"GNU.sparse.map" => {
                let numbers = value.split(|&byte| byte == b',').map(decimal);
                self.sparse_map = numbers.collect::<Option<_>>().unwrap_or_default();
            }
            _ => {}
        }
    }

    /// This one, with the values of a global header where it has none.
    pub(super) fn over(self, global: &Self) -> Self {
        Self {
            name: self.name.or_else(|| global.name.clone()),
            link: self.link.or_else(|| global.link.clone()),
            size: self.size.or(global.size),
            ..self
        }
    }
}

/// The next record's `key=value`, and what follows.
fn record(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = text.iter().position(|&byte| byte == b' ')?;
    let length = usize::try_from(decimal(text.get(..space)?)?).ok()?;
    let (record, rest) = text.split_at_checked(length)?;
    let record = record.get(space.checked_add(1)?..)?;
    Some((record.strip_suffix(b"\n").unwrap_or(record), rest))
}

/// A number in decimal digits.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
