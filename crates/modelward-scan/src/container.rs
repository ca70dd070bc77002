//! What a piece lies in, as far as its own judgement depends on that: the storages of a checkpoint
//! are members beside its pickle, and the classes of a TorchScript archive are its own code.

use modelward_formats::{Asset, tar, torchscript::Code, zip};

/// What a piece lies in.
#[derive(Debug, Default)]
pub(crate) struct Container<'a> {
    /// The name of its format; empty around a file on disk.
    pub(crate) format: &'static str,
    /// Its TorchScript code.
    pub(crate) code: Option<Code>,
    archive: Option<&'a zip::Archive>,
}

/// A pickle among the members of a container.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Neighbours<'a> {
    /// The code that defines its classes.
    pub(crate) code: Option<&'a Code>,
    /// Whether it lies in a checkpoint of torch 0.1, whose persistent ids are numbers.
    pub(crate) numbered: bool,
    storages: Option<Storages<'a>>,
}

/// Where a pickle's storages are kept.
#[derive(Clone, Copy, Debug)]
struct Storages<'a> {
    archive: &'a zip::Archive,
    /// The name of the pickle without its extension: the folder of its storages.
    folder: &'a str,
}

impl<'a> Container<'a> {
    pub(crate) fn of(asset: &'a dyn Asset) -> Self {
        let archive = zip::archive(asset);
        let code = archive.and_then(Code::read);
        Self { format: asset.format(), code, archive }
    }

    /// What lies around the member of this name.
    pub(crate) fn around<'n>(&'n self, name: &'n str) -> Neighbours<'n> {
        let numbered = self.format == tar::CHECKPOINT;
        let storages = self.archive.and_then(|archive| {
            // Behind the name, a view of the member may be named.
            let (stem, _) = name.rsplit_once(".pkl")?;
            let top = stem.split_once('/').map_or("", |(top, _)| top);
            let inner = stem.strip_prefix(top).unwrap_or(stem).trim_start_matches('/');
            let beside = matches!(self.format, "pytorch-zip" | "torchscript")
                && matches!(inner, "data" | "constants");
            beside.then_some(Storages { archive, folder: stem })
        });
        Neighbours { code: self.code.as_ref(), numbered, storages }
    }
}

impl Neighbours<'_> {
    /// What is wrong with a storage of this key and length, in words.
    pub(crate) fn flaw_of(&self, key: &str, length: Option<u64>) -> Option<Flaw> {
        let Storages { archive, folder } = self.storages?;
        let name = format!("{folder}/{key}");
        let Some(member) = archive.member(&name) else {
            return (length != Some(0)).then_some(Flaw::Missing(name));
        };
        let length = length?;
        let local = member.local.as_ref().filter(|local| !local.deferred);
        let local = local.map(|local| local.header.size);
        let central = member.central.as_ref().map(|central| central.header.size);
        let stated = central.into_iter().chain(local);
        // A member that is stored has the bytes that it has, whatever size its headers state.
        let stored = member.headers().all(|header| header.method == 0);
        let found = member.length().filter(|_| stored);
        let mut lengths = stated.chain(found);
        let other = lengths.find(|&other| other != length)?;
        Some(Flaw::Length(name, length, other))
    }
}

/// What is wrong with a storage.
#[derive(Debug)]
pub(crate) enum Flaw {
    /// Its member is not there.
    Missing(String),
    /// Its member has another length: what was expected, and what came.
    Length(String, u64, u64),
}
