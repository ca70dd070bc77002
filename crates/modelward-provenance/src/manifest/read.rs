//! A file of a model, opened and read into what a manifest says of it.

use std::{cell::RefCell, collections::BTreeSet, sync::Arc};

use modelward_formats::{Budget, Bytes, Gap, Limits, Refusal, parquet, tables, tensors};

use super::{
    File, RowGroup, Tensor, Unread,
    pass::{Passed, pass},
    plan::Plan,
};
use crate::tree::{self, Tree, open};

/// What one file gives.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) file: Option<File>,
    /// The format of its tensors.
    pub(super) format: Option<&'static str>,
    pub(super) tensors: Vec<Tensor>,
    pub(super) row_groups: Vec<RowGroup>,
    pub(super) unread: Vec<Unread>,
}

/// Read a file: its digests and, where asked, those of what is in it.
pub(super) fn entry(tree: &Tree, file: &tree::File, contents: bool, limits: &Limits) -> Entry {
    let mut entry = Entry::default();
    if let Err(why) = entry.read(tree, file, contents, limits) {
        entry = Entry::default();
        entry.unread.push(Unread { file: file.name.clone(), part: None, why });
    }
    entry
}

/// Open a file of a tree, so that it can be asked afterwards whether it is still the same.
pub(super) fn opened(file: &tree::File) -> Result<(Bytes, std::fs::File), String> {
    let said = |error: std::io::Error| open::cause(&error);
    let opened = open::open(file).map_err(said)?;
    let other = opened.try_clone().map_err(said)?;
    let bytes = Bytes::file(other, file.len).map_err(said)?;
    Ok((bytes, opened))
}

impl Entry {
    fn read(
        &mut self,
        tree: &Tree,
        file: &tree::File,
        contents: bool,
        limits: &Limits,
    ) -> Result<(), String> {
        let (bytes, opened) = opened(file)?;
        let budget = Budget::new(*limits);
        let inside = if contents { Inside::of(&bytes, &budget) } else { Inside::Nothing };
        let plan = match &inside {
            Inside::Tensors(table) => Plan::of_tensors(&bytes, table),
            Inside::RowGroups(footer) => Plan::of_row_groups(footer),
            Inside::Nothing | Inside::Broken(_) => Plan::default(),
        };
        // Elements may lie in other files, which have to be those that were listed, too.
        let others = RefCell::new(Vec::new());
        let beside = |location: &str| {
            let (bytes, other, opened) = beside(tree, file, location)?;
            others.borrow_mut().push((other, opened));
            Ok(bytes)
        };
        let passed =
            pass(&bytes, &plan, &budget, &beside).map_err(|refusal| refusal.why.to_string())?;
        let others = others.into_inner();
        for (file, opened) in others.iter().chain([&(file, opened)]) {
            open::unchanged(file, opened).map_err(|error| open::cause(&error))?;
        }
        self.take(file, &inside, &plan, passed);
        Ok(())
    }

    fn take(&mut self, file: &tree::File, inside: &Inside, plan: &Plan, passed: Passed) {
        let Passed { sha256, blake3, contents } = passed;
        let (path, bytes) = (file.name.clone(), file.len);
        self.file = Some(File { path: path.clone(), bytes, sha256, blake3 });
        let digest = |part: &Result<usize, Refusal>| match part {
            Ok(at) => contents
                .get(*at)
                .cloned()
                .unwrap_or_else(|| Err(Refusal::truncated(0, "it was not read"))),
            Err(refusal) => Err(refusal.clone()),
        };
        let mut unread = Vec::new();
        let mut miss = |part: Option<String>, refusal: &Refusal| {
            unread.push(Unread { file: path.clone(), part, why: refusal.why.to_string() });
        };
        match inside {
            Inside::Nothing => {}
            Inside::Broken(refusal) => miss(None, refusal),
            Inside::Tensors(table) => {
                self.format = Some(table.format);
                table.gaps.iter().for_each(|refusal| miss(None, refusal));
                for (tensor, part) in table.tensors.iter().zip(&plan.parts) {
                    match digest(part) {
                        Ok(sha256) => self.tensors.push(Tensor {
                            file: path.clone(),
                            name: tensor.name.clone(),
                            dtype: tensor.kind.name.into(),
                            shape: tensor.shape.clone(),
                            sha256,
                        }),
                        Err(refusal) => miss(Some(tensor.name.clone()), &refusal),
                    }
                }
                self.tensors.sort_by(|one, other| one.name.cmp(&other.name));
            }
            Inside::RowGroups(footer) => {
                for (index, (group, part)) in footer.row_groups.iter().zip(&plan.parts).enumerate()
                {
                    let chunks = group.chunks.as_deref().unwrap_or_default();
                    let bytes = chunks.iter().map(|range| range.end.saturating_sub(range.start));
                    let (index, rows) = (index as u64, group.rows);
                    match digest(part) {
                        Ok(sha256) => self.row_groups.push(RowGroup {
                            file: path.clone(),
                            index,
                            rows,
                            bytes: bytes.fold(0, u64::saturating_add),
                            sha256,
                        }),
                        Err(refusal) => miss(Some(format!("row group {index}")), &refusal),
                    }
                }
            }
        }
        let more = unread.len().saturating_sub(MOST_UNREAD);
        if more > 0 {
            unread.truncate(MOST_UNREAD);
            let why = format!("{more} more parts of this file were not read");
            unread.push(Unread { file: path, part: None, why });
        }
        // One sentence may be said of many.
        let unread = unread.into_iter().collect::<BTreeSet<_>>();
        self.unread.extend(unread);
    }
}

/// What is in a file that has digests of its own.
#[derive(Debug)]
pub(super) enum Inside {
    Nothing,
    Broken(Refusal),
    Tensors(tensors::Table),
    RowGroups(parquet::Footer),
}

impl Inside {
    pub(super) fn of(bytes: &Bytes, budget: &Arc<Budget>) -> Self {
        match parquet::read(bytes, budget) {
            Some(Ok(footer)) => return Self::RowGroups(footer),
            Some(Err(refusal)) => return Self::Broken(refusal),
            None => {}
        }
        tables::read(bytes, budget).map_or(Self::Nothing, Self::Tensors)
    }
}

/// Another file that a model takes its tensors from: one of the same tree, and its handle.
pub(super) fn beside<'t>(
    tree: &'t Tree,
    file: &tree::File,
    location: &str,
) -> Result<(Bytes, &'t tree::File, std::fs::File), Refusal> {
    let name = match file.name.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{location}"),
        None => location.to_owned(),
    };
    let missing = |why: String| Refusal::new(0, Gap::MissingPart, why);
    let other = tree.find(&name).ok_or_else(|| {
        missing(format!("the elements lie in `{location}`, which is not one of the files"))
    })?;
    let opened = opened(other).map_err(|why| missing(format!("`{location}`: {why}")))?;
    let (bytes, opened) = opened;
    Ok((bytes, other, opened))
}

/// How many parts of one file are told of that were not read.
const MOST_UNREAD: usize = 1000;
