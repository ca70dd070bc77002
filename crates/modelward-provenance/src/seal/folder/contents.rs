//! A sealed folder, read in memory.

use std::{collections::BTreeMap, sync::Arc};

use modelward_formats::Bytes;

use super::{
    content::{HEAD, Kind, kind},
    walk::{Ranges, Walk},
};
use crate::{
    Trouble,
    seal::{
        fault::{Fault, Result},
        opened::Opened,
    },
};

/// What a sealed folder holds: names and places, no content.
#[derive(Clone, Debug)]
pub struct Contents {
    opened: Arc<Opened>,
    files: BTreeMap<String, (u64, u64)>,
}

/// A file of a sealed folder.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// Its name, relative to the folder, with `/` between the components.
    pub name: &'a str,
    /// Its content, which is decrypted as it is read.
    pub bytes: Bytes,
}

impl Contents {
    /// Find the members, by reading their headers.
    pub fn new(opened: Arc<Opened>) -> Result<Self> {
        let mut head = [0; HEAD];
        let mut from = &*opened;
        let read = from.read(0, &mut head)?;
        if kind(head.get(..read).unwrap_or_default()) == Kind::File {
            return Err(Trouble::new("expected a sealed folder, found a sealed file").into());
        }
        let (mut walk, mut files) = (Walk::default(), BTreeMap::new());
        while let Some(found) = walk.next(&mut from)? {
            if found.at.saturating_add(found.len) > opened.len() {
                return Err(Fault::in_member(&found.name, "reaches beyond the end of the archive"));
            }
            if !found.is_folder {
                files.insert(found.name, (found.at, found.len));
            }
        }
        Ok(Self { opened, files })
    }

    /// The files, by name.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        self.files.keys().filter_map(|name| self.member(name))
    }

    /// The file of a name.
    pub fn member(&self, name: &str) -> Option<Member<'_>> {
        let (name, (at, len)) = self.files.get_key_value(name)?;
        let bytes = Bytes::new(self.opened.clone()).slice(*at, *len).ok()?;
        Some(Member { name, bytes })
    }
}
