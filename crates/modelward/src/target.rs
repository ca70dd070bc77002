//! What the user pointed at, turned into lists of files to read.

use std::{
    collections::HashSet,
    fs,
    io::{self, Read},
    path::Path,
};

use modelward_formats::{Bytes, Gap, Limits, Refusal};

use crate::{
    content::{Content, cause},
    listing::{Listing, shown},
    walk,
};

/// List targets. What two of them name is read once, and said to be left out of the second.
pub(crate) fn all<P: AsRef<Path>>(targets: &[P], limits: &Limits) -> Vec<Listing> {
    let mut folders = HashSet::new();
    let mut files = HashSet::new();
    let once = |target: &P| {
        let target = target.as_ref();
        let real = fs::canonicalize(target).ok().filter(|real| real.is_dir());
        if real.is_some_and(|folder| !folders.insert(folder)) {
            let mut listing = Listing { shown: shown(target), ..Listing::default() };
            listing.skip("read already, as an earlier target".into());
            return listing;
        }
        let mut listing = list(target, limits);
        if targets.len() > 1 {
            listing.read_once(&mut files);
        }
        listing
    };
    targets.iter().map(once).collect()
}

/// List a target: `-` for standard input, otherwise a path.
fn list(target: &Path, limits: &Limits) -> Listing {
    if target == Path::new("-") {
        return input(limits);
    }
    let shown = shown(target);
    match fs::metadata(target) {
        Ok(metadata) if metadata.is_dir() => walk::folder(target, shown, limits),
        Ok(metadata) if metadata.is_file() => match fs::canonicalize(target) {
            Ok(path) => Listing::file(shown, Content::Disk { path, len: metadata.len() }),
            Err(error) => Listing::gap(shown, Gap::Unreadable, cause(&error)),
        },
        Ok(_) => {
            let why = "a pipe, a socket or a device, which is never opened";
            Listing::gap(shown, Gap::SpecialFile, why.into())
        }
        Err(error) => Listing::gap(shown, Gap::Unreadable, cause(&error)),
    }
}

fn input(limits: &Limits) -> Listing {
    match standard_input(limits.memory) {
        Ok(content) => Listing::file("-".into(), content),
        Err(refusal) => Listing::gap("-".into(), refusal.gap, refusal.why.into_owned()),
    }
}

/// Standard input: a window where it is a file, otherwise as much of it as may be held.
fn standard_input(most: u64) -> Result<Content, Refusal> {
    let refused = |error: io::Error| Refusal::new(0, Gap::Unreadable, cause(&error));
    // What came before in a pipe and failed gives nothing: that is no harmless file.
    let nothing = || Refusal::truncated(0, "expected a file on standard input, got nothing");
    let stdin = io::stdin();
    #[cfg(unix)]
    {
        use std::{fs::File, os::fd::AsFd, sync::Arc};

        use crate::content::Stamp;
        let open = || stdin.as_fd().try_clone_to_owned().map(File::from);
        let file = open().map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        if metadata.is_file() {
            let bytes = Bytes::file(file, metadata.len()).map_err(refused)?;
            let file = Arc::new(open().map_err(refused)?);
            let content = Content::Open(file, bytes.clone(), Stamp::of(&metadata));
            return if bytes.is_empty() { Err(nothing()) } else { Ok(content) };
        }
    }
    let mut bytes = Vec::new();
    stdin.lock().take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(refused)?;
    if bytes.is_empty() {
        return Err(nothing());
    }
    if bytes.len() as u64 > most {
        let why = format!(
            "more than the limit of {most} bytes on standard input; save it to a file, of which \
             any length is read"
        );
        return Err(Refusal::new(most, Gap::LargeMemory, why));
    }
    Ok(Content::Memory(bytes.into()))
}
