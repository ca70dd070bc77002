//! Data of a model that lie in other files of its folder: whether they are there, and what those
//! files are besides.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use modelward_core::{Place, ScannedFile};
use modelward_formats::Gap;
use modelward_scan::{Beside, Context, Examined, Need, examine_data};

use crate::listing::{Listed, Listing, below};

/// Settle what models take from files beside them. `results` are those of the files of the
/// listings, without those that an earlier listing has.
pub(crate) fn settle(
    listings: &[Listing],
    results: &mut [(ScannedFile, Examined)],
    context: &Context,
) {
    if results.iter().all(|(_, examined)| examined.needs.is_empty()) {
        return;
    }
    let mut rest = results;
    for listing in listings {
        let fresh = listing.files.iter().filter(|file| !file.again);
        let (own, others) = rest.split_at_mut(fresh.clone().count().min(rest.len()));
        rest = others;
        Folder::of(listing).settle(&fresh.collect::<Vec<_>>(), own, context);
    }
}

/// A target, by the paths of its files.
struct Folder<'a> {
    listing: &'a Listing,
    files: HashMap<&'a str, &'a Listed>,
}

impl<'a> Folder<'a> {
    fn of(listing: &'a Listing) -> Self {
        let files = listing.files.iter().filter(|_| listing.folder);
        let files = files.map(|file| (file.relative.as_str(), file)).collect();
        Self { listing, files }
    }

    fn settle(
        &self,
        files: &[&Listed],
        results: &mut [(ScannedFile, Examined)],
        context: &Context,
    ) {
        let mut taken: BTreeMap<String, Vec<Range<u64>>> = BTreeMap::new();
        for (file, (scanned, examined)) in files.iter().zip(&mut *results) {
            for need in &examined.needs {
                let path = self.path(file, need);
                let Some(path) = path.filter(|path| *path != file.relative) else { continue };
                let length =
                    self.files.get(path.as_str()).map(|data| data.content.on_demand().len());
                if let Some(range) = length.and_then(|length| need.range(length)) {
                    taken.entry(path).or_default().push(range);
                }
            }
            examined.settle(&|need| self.beside(file, need));
            scanned.outcome = examined.outcome();
        }
        for (file, (scanned, examined)) in files.iter().zip(results) {
            let Some(taken) = taken.get(&file.relative).filter(|_| is_unknown(file, examined))
            else {
                continue;
            };
            *examined = match file.content.open() {
                Ok(opened) => {
                    let mut examined = examine_data(&file.place, &opened.bytes, taken, context);
                    let changed = opened.unchanged().err();
                    let changed = changed.map(|why| modelward_scan::refused(&file.place, why));
                    examined.unread.extend(changed.into_iter().flat_map(|changed| changed.unread));
                    examined
                }
                Err(refusal) => modelward_scan::refused(&file.place, refusal),
            };
            (scanned.outcome, scanned.format) = (examined.outcome(), examined.format);
        }
    }

    /// The path of what a model takes data from; `None` where the model lies in an archive.
    fn path(&self, model: &Listed, need: &Need) -> Option<String> {
        let folder = model.relative.rsplit_once('/').map_or("", |(folder, _)| folder);
        need.place.steps().is_empty().then(|| below(folder, &need.external.location))
    }

    fn beside(&self, model: &Listed, need: &Need) -> Beside {
        let Some(path) = self.path(model, need) else { return Beside::Nothing };
        if let Some(file) = self.files.get(path.as_str()) {
            return Beside::File(file.content.on_demand().len());
        }
        let place = Place::file(below(&self.listing.shown, &path));
        let mut refused = self.listing.refused.iter();
        let outside =
            refused.any(|(other, refusal)| *other == place && refusal.gap == Gap::SpecialFile);
        if outside && self.listing.folder { Beside::Outside } else { Beside::Nothing }
    }
}

/// Whether nothing is said of a file but that it is of no known format, as tensors alone are.
fn is_unknown(file: &Listed, examined: &Examined) -> bool {
    let [gap] = examined.unread.as_slice() else { return false };
    examined.findings.is_empty() && gap.rule == UNKNOWN_FORMAT && gap.place == file.place
}

const UNKNOWN_FORMAT: &str = "MW0001";
