//! File by file: what stays goes into the cleaned set, what goes into the quarantine, and a record of both.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, DirBuilder, File},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use super::{
    FILES, PLACES, REMOVED, TAKEN,
    clean::Order,
    create,
    digest::{Digest, Summed, Tree, copy, regular},
    failed,
    gather::{Gathered, Rows},
    mode,
    pack::{pack, unpack},
    record::{Record, Way},
    restore::MOST_RATIO,
    saved, splice,
};
use crate::{
    Trouble, Unread,
    check::Failed,
    read::{
        Source,
        rewrite::{self, Choice, Edit, Form, Other, Packing, Stream},
        text,
    },
};

/// A set that is being divided.
pub(super) struct Division<'a> {
    order: &'a Order<'a>,
    inside: &'a Path,
    gathered: &'a Gathered,
    /// Files of which rows go and that were not met yet.
    wanted: HashMap<&'a str, &'a Rows>,
    files: Summed<BufWriter<File>>,
    places: Summed<BufWriter<File>>,
    removed: Summed<BufWriter<File>>,
    /// How many files were met.
    number: u64,
    divided: Divided,
}

/// What a set was divided into.
pub(super) struct Divided {
    pub(super) original: Tree,
    pub(super) cleaned: Tree,
    pub(super) parts: BTreeMap<String, Digest>,
}

impl<'a> Division<'a> {
    pub(super) fn new(
        order: &'a Order<'a>,
        inside: &'a Path,
        gathered: &'a Gathered,
    ) -> Result<Self, Trouble> {
        let part =
            |name| Ok::<_, Trouble>(Summed::new(BufWriter::new(create(&inside.join(name))?)));
        let wanted = gathered.files.iter().filter(|(_, rows)| !rows.removed.is_empty());
        Ok(Self {
            order,
            inside,
            gathered,
            wanted: wanted.map(|(name, rows)| (name.as_str(), rows)).collect(),
            files: part(FILES)?,
            places: part(PLACES)?,
            removed: part(REMOVED)?,
            number: 0,
            divided: Divided {
                original: Tree::new(),
                cleaned: Tree::new(),
                parts: BTreeMap::new(),
            },
        })
    }

    /// Take in a folder of the set.
    pub(super) fn folder(&mut self, path: &str, from: &Path, to: &Path) -> Result<(), Trouble> {
        let (path, original) = (path.to_owned(), Summed::new(io::sink()).finish());
        let mode = like(from, to)?;
        self.record(&Record { path, original, cleaned: None, mode, way: Way::Folder })
    }

    /// Take in a file of the set; what stays of it is written to `to`.
    pub(super) fn file(&mut self, path: &str, from: &Path, to: &Path) -> Result<(), Failed> {
        self.number = self.number.saturating_add(1);
        let set = self.order.set.name.as_str();
        let name = match path {
            "" => set.to_owned(),
            path => format!("{}/{path}", set.trim_end_matches('/')),
        };
        let found = self.wanted.remove_entry(name.as_str()).map(|(_, rows)| rows);
        let (original, cleaned, way) = match found {
            None => self.beside(path, from, to)?,
            Some(_) if self.order.set.format == "images" => self.taken(from)?,
            Some(rows) => self.cut(&Source { path: from.to_owned(), name }, rows, to)?,
        };
        let mode = match &cleaned {
            Some(_) => like(from, to)?,
            None => mode(from)?,
        };
        self.divided.original.add(&original);
        if let Some(cleaned) = &cleaned {
            self.divided.cleaned.add(cleaned);
        }
        let path = path.to_owned();
        Ok(self.record(&Record { path, original, cleaned, mode, way })?)
    }

    fn record(&mut self, record: &Record) -> Result<(), Trouble> {
        let written = writeln!(self.files, "{}", record.json());
        written.map_err(|error| failed(&self.inside.join(FILES), &error))
    }

    /// All is divided.
    pub(super) fn finish(mut self) -> Result<Divided, Trouble> {
        if let Some(name) = self.wanted.keys().min() {
            return Err(Trouble::new(format!("expected `{name}` in the set, found it no longer")));
        }
        let parts = [(FILES, self.files), (PLACES, self.places), (REMOVED, self.removed)];
        for (name, mut part) in parts {
            part.flush().map_err(|error| failed(&self.inside.join(name), &error))?;
            self.divided.parts.insert(name.to_owned(), part.finish());
        }
        Ok(self.divided)
    }

    /// A file none of whose rows goes.
    fn beside(&mut self, path: &str, from: &Path, to: &Path) -> Result<Outcome, Failed> {
        let tells = matches!(path, "state.json" | "dataset_info.json");
        if self.order.set.format == "arrow" && tells && self.gathered.removed > 0 {
            let mut bytes = Vec::new();
            let read = regular(from)?.take(MOST_TOLD).read_to_end(&mut bytes);
            read.map_err(|error| failed(from, &error))?;
            if let Some(fresh) = saved::anew(path, &bytes, self.gathered) {
                let mut out = Summed::new(open(to)?);
                out.write_all(&fresh).map_err(|error| failed(to, &error))?;
                let original = Digest::of(from)?;
                let way = self.original(from, &original)?;
                return Ok((original, Some(out.finish()), way));
            }
        }
        let mut out = Summed::new(BufWriter::new(open(to)?));
        let copied = copy(&mut regular(from)?, &mut out).and_then(|_| out.flush());
        copied.map_err(|error| failed(from, &error))?;
        let digest = out.finish();
        Ok((digest.clone(), Some(digest), Way::Same))
    }

    /// An image that goes.
    fn taken(&mut self, from: &Path) -> Result<Outcome, Failed> {
        let folder = self.inside.join(TAKEN);
        if !folder.is_dir() {
            let made = DirBuilder::new().mode(0o700).create(&folder);
            made.map_err(|error| failed(&folder, &error))?;
        }
        let mut file = regular(from)?;
        let mut head = [0; 12];
        let read = file.read(&mut head).map_err(|error| failed(from, &error))?;
        file.seek(SeekFrom::Start(0)).map_err(|error| failed(from, &error))?;
        let ending = ending(head.get(..read).unwrap_or_default());
        let name = format!("{TAKEN}/{:06}.{ending}", self.number);
        let path = self.inside.join(&name);
        let mut out = Summed::new(BufWriter::new(create(&path)?));
        let copied = copy(&mut file, &mut out).and_then(|_| out.flush());
        copied.map_err(|error| failed(&path, &error))?;
        Ok((out.finish(), None, Way::Taken(name)))
    }

    /// A file of which some rows go.
    fn cut(&mut self, source: &Source, rows: &Rows, to: &Path) -> Result<Outcome, Failed> {
        let options = self.order.options;
        let bytes = source.bytes()?;
        let plain =
            || rows.places.iter().map(|place| Edit { range: place.clone(), with: Vec::new() });
        match rewrite::form(source, &bytes, options)? {
            Form::Text if rows.places.len() == rows.removed.len() => {
                self.splice(source, &plain().collect::<Vec<_>>(), to)
            }
            Form::Ranges(of) => {
                let edits = rewrite::ranges(of, source, &bytes, options, &rows.removed)?;
                self.splice(source, &edits, to)
            }
            Form::Packed(packing, content) if rows.places.len() == rows.removed.len() => {
                let original = Digest::of(&source.path)?;
                self.packed(source, packing, &content, &plain().collect::<Vec<_>>(), to)?;
                let way = self.original(&source.path, &original)?;
                Ok((original, Some(Digest::of(to)?), way))
            }
            Form::Other(form) => {
                let original = Digest::of(&source.path)?;
                let choice = Choice { rows: &rows.removed, these: false };
                rewrite::write(form, source, &bytes, options, &choice, &open(to)?)?;
                // The rows that go, for people who look at them.
                let ending = match form {
                    Other::Npy => "npy",
                    Other::Npz => "npz",
                    Other::Arrow => "arrow",
                    Other::Parquet => "parquet",
                };
                let name = format!("rows-{:06}.{ending}", self.number);
                let path = self.inside.join(&name);
                let choice = Choice { these: true, ..choice };
                rewrite::write(form, source, &bytes, options, &choice, &create(&path)?)?;
                self.divided.parts.insert(name, Digest::of(&path)?);
                let way = self.original(&source.path, &original)?;
                Ok((original, Some(Digest::of(to)?), way))
            }
            _ => {
                let why = format!("expected rows that lie apart in `{}`", source.name);
                Err(Trouble::new(why).into())
            }
        }
    }

    /// Cut ranges out of a file.
    fn splice(&mut self, source: &Source, edits: &[Edit], to: &Path) -> Result<Outcome, Failed> {
        let from = regular(&source.path)?;
        let mut whole = Sum { from, summed: Summed::new(io::sink()), order: self.order };
        let mut kept = Summed::new(BufWriter::new(open(to)?));
        let divided = splice::divide(&mut whole, edits, &mut kept, &mut self.removed);
        let divided = divided.and_then(|()| splice::write(edits, &mut self.places));
        divided.and_then(|()| kept.flush()).map_err(|error| failed(&source.path, &error))?;
        let original = whole.summed.finish();
        Ok((original, Some(kept.finish()), Way::Spliced(edits.len() as u64)))
    }

    /// Cut ranges out of what a file holds unpacked, and pack the rest again.
    fn packed(
        &mut self,
        source: &Source,
        packing: Packing,
        content: &modelward_formats::Bytes,
        edits: &[Edit],
        to: &Path,
    ) -> Result<(), Failed> {
        let here = |error: io::Error| failed(to, &error);
        let plain = tempfile::tempfile_in(self.inside).map_err(here)?;
        let mut kept = Summed::new(BufWriter::new(&plain));
        let name = format!("rows-{:06}.txt", self.number);
        let path = self.inside.join(&name);
        let mut removed = Summed::new(BufWriter::new(create(&path)?));
        let mut from = BufReader::with_capacity(1 << 16, Stream::new(content));
        let divided = splice::divide(&mut from, edits, &mut kept, &mut removed);
        divided.and_then(|()| removed.flush()).and_then(|()| kept.flush()).map_err(here)?;
        self.divided.parts.insert(name, removed.finish());
        let kept = kept.finish();
        for hard in [true, false] {
            let out = open(to)?;
            out.set_len(0).map_err(here)?;
            let mut from = &plain;
            from.seek(SeekFrom::Start(0)).map_err(here)?;
            if let Err(error) = pack(&mut from, packing, hard, &out)
                && !hard
            {
                return Err(here(error).into());
            }
            if comes_back(to, source, self.order, &kept)? {
                return Ok(());
            }
        }
        let why = format!("expected `{}` to be packed again as it was", source.name);
        Err(Trouble::new(why).into())
    }

    /// Keep a whole file.
    fn original(&mut self, from: &Path, known: &Digest) -> Result<Way, Failed> {
        let name = format!("original-{:06}.zst", self.number);
        let path = self.inside.join(&name);
        let here = |error: io::Error| failed(&path, &error);
        let packed = pack(&mut regular(from)?, Packing::Zstd, true, &create(&path)?);
        let length = fs::metadata(&path).map_err(here)?.len();
        // As long as it was, or so short that it looks like a bomb: kept as it is.
        let worth = length < known.bytes.saturating_sub(known.bytes / 32)
            && known.bytes < length.saturating_mul(MOST_RATIO);
        if packed.is_ok() && worth {
            let mut back = Summed::new(io::sink());
            let unpacked = unpack(regular(&path)?)
                .and_then(|from| copy(&mut from.take(known.bytes.saturating_add(1)), &mut back));
            if unpacked.is_ok() && back.finish() == *known {
                self.divided.parts.insert(name.clone(), Digest::of(&path)?);
                return Ok(Way::Packed(name));
            }
        }
        fs::remove_file(&path).map_err(here)?;
        let name = format!("original-{:06}", self.number);
        let path = self.inside.join(&name);
        let mut out = Summed::new(BufWriter::new(create(&path)?));
        let copied = copy(&mut regular(from)?, &mut out).and_then(|_| out.flush());
        copied.map_err(|error| failed(&path, &error))?;
        self.divided.parts.insert(name.clone(), out.finish());
        Ok(Way::Taken(name))
    }
}

/// Let those who may read something read what was made of it; gives who that is.
fn like(from: &Path, to: &Path) -> Result<u32, Trouble> {
    let mode = mode(from)?;
    let done = fs::set_permissions(to, fs::Permissions::from_mode(mode));
    done.map(|()| mode).map_err(|error| failed(to, &error))
}

/// What a file was, what it is in the cleaned set, and how it comes back.
type Outcome = (Digest, Option<Digest>, Way);

/// Whether a packed text gives what was packed, read as every packed text is.
fn comes_back(
    path: &Path,
    source: &Source,
    order: &Order<'_>,
    kept: &Digest,
) -> Result<bool, Unread> {
    let again = Source { path: path.to_owned(), name: source.name.clone() };
    let Ok((content, true)) = text::unpacked(&again, &again.bytes()?, &order.options.limits) else {
        return Ok(false);
    };
    let mut summed = Summed::new(io::sink());
    let read = copy(&mut Stream::new(&content), &mut summed);
    Ok(read.is_ok() && summed.finish() == *kept)
}

/// A file of the cleaned set; one alone is there already, under the name that it has for now.
fn open(path: &Path) -> Result<File, Trouble> {
    let mut options = File::options();
    let opened = options.read(true).write(true).create(true).truncate(true).mode(0o600).open(path);
    opened.map_err(|error| failed(path, &error))
}

/// A file, summed up as it is read.
struct Sum<'a> {
    from: File,
    summed: Summed<io::Sink>,
    order: &'a Order<'a>,
}

impl Read for Sum<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.order.go_on().map_err(|trouble| io::Error::other(trouble.why))?;
        let read = self.from.read(into)?;
        self.summed.write_all(into.get(..read).unwrap_or_default())?;
        Ok(read)
    }
}

/// How the names of images of a form end.
fn ending(head: &[u8]) -> &'static str {
    match head {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, ..] => "jpg",
        [b'G', b'I', b'F', ..] => "gif",
        [b'R', b'I', b'F', b'F', ..] => "webp",
        [b'B', b'M', ..] => "bmp",
        [b'P', b'2' | b'5', ..] => "pgm",
        [b'P', b'3' | b'6', ..] => "ppm",
        _ => "bin",
    }
}

/// The most bytes of what `datasets` keeps beside its data.
const MOST_TOLD: u64 = 16 << 20;
