//! npz with fewer rows: the same members in the same order, each stored or deflated as it was.

use std::{fs::File, io};

use modelward_formats::{Bytes, Gap, zip as archive};

use super::{
    Choice, Options, Source, failed, npy,
    zip::{Method, Zip},
};
use crate::{Unread, read::budget};

/// Write an npz with some of its rows.
pub(super) fn write(
    source: &Source,
    bytes: &Bytes,
    options: &Options,
    choice: &Choice<'_>,
    out: &File,
) -> Result<(), Unread> {
    let malformed = |why: String| Unread::new(&source.name, Gap::Malformed, why);
    let readings = modelward_formats::read(bytes, &budget(&options.limits));
    let asset = readings.into_iter().filter_map(|reading| reading.asset.ok());
    let asset = asset.into_iter().find(|asset| archive::archive(asset.as_ref()).is_some());
    let archive = asset.as_ref().and_then(|asset| archive::archive(asset.as_ref()));
    let archive = archive.ok_or_else(|| malformed("expected an archive of arrays".into()))?;
    if let Some(refusal) = archive.refusals().first() {
        return Err(source.refused(refusal));
    }
    let mut zip = Zip::new(out);
    let mut rows = None;
    for member in &archive.members {
        let shown = member.shown();
        let mut views = archive.open(member).into_iter();
        let (Some(view), None) = (views.next(), views.next()) else {
            return Err(malformed(format!("expected one content in the member `{shown}`")));
        };
        let content = view.bytes.map_err(|refusal| source.refused(&refusal))?;
        let arrays = npy::arrays(source, &content, options)?;
        for array in &arrays {
            if *rows.get_or_insert(array.rows()) != array.rows() {
                let why = format!("expected as many rows in `{shown}` as in those before it");
                return Err(malformed(why));
            }
        }
        let length = arrays
            .iter()
            .fold(0_u64, |sum, array| sum.saturating_add(array.length(choice.count(array.rows()))));
        let method = match member.headers().next().map(|header| header.method) {
            Some(0) => Method::Stored,
            _ => Method::Deflated,
        };
        let written = zip.member(member.name(), method, length, |out: &mut dyn io::Write| {
            arrays.iter().try_for_each(|array| array.write(&content, choice, out))
        });
        written.map_err(|error| failed(source, &error))?;
    }
    zip.finish().map_err(|error| failed(source, &error))
}
