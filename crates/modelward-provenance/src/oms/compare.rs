//! What is on disk against what was signed.

use std::collections::BTreeMap;

use crate::{
    Defect, Kind,
    defect::Weight,
    digest::{Digest, Function},
    oms::{
        difference,
        hashing::{self, Hashed, Nobody, Reading},
        method::Method,
        request::{Request, UNFINISHED},
        resources::Parts,
        role::{self, Role},
        statement::Statement,
    },
    tree::{File, Odd, Oddity, Tree},
};

/// How many files came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files that are what was signed.
    pub matching: usize,
    /// Files that are not.
    pub changed: usize,
    /// Signed files that are not there.
    pub missing: usize,
    /// Files that nobody signed.
    pub unsigned: usize,
}

/// A file that verifying has looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its path below the model.
    pub name: String,
    /// Its length; 0 where it is not there.
    pub bytes: u64,
    /// Its SHA-256, where that was computed or asked for.
    pub sha256: Option<Digest>,
    /// What came of it.
    pub state: State,
}

/// What came of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It is what was signed.
    Match,
    /// It is not.
    Changed,
    /// It was signed and is not there.
    Missing,
    /// It is there and was not signed.
    Unsigned,
    /// It could not be read.
    Unread,
}

/// What comparing came to.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) files: Vec<Verified>,
    pub(super) defects: Vec<Defect>,
    /// What was not verified, and why.
    pub(super) unread: Vec<(String, String)>,
    pub(super) counts: Counts,
}

/// Compare the files of a model with a statement.
pub(super) fn compare(statement: &Statement, tree: &Tree, request: &Request<'_>) -> Compared {
    let mut compared = Compared::default();
    let odd = tree.odd.iter().map(|odd| (odd.name.as_str(), &odd.what)).collect::<BTreeMap<_, _>>();
    let mut present = Vec::new();
    for (name, parts) in &statement.files {
        // The reference tool calls the only file of a model by `.`.
        let name = if name == "." && tree.single { &tree.name } else { name };
        match tree.find(name) {
            Some(file) => present.push((file, parts)),
            None if request.is_ignored(name) => {}
            None => compared.absent(name, odd.get(name.as_str()).copied(), request),
        }
    }
    compared.hashed(&present, statement, request);
    let is_signed = |file: &File| {
        statement.files.contains_key(&file.name)
            || (tree.single && statement.files.contains_key("."))
    };
    let unsigned = tree.files.iter().filter(|file| !is_signed(file)).collect::<Vec<_>>();
    compared.unsigned(&unsigned, statement.serialization.method, request);
    for Odd { name, what } in &tree.odd {
        let signed = statement.files.contains_key(name);
        compared.odd(name, what, signed, request);
    }
    compared.executable(&tree.files);
    if request.sha256 {
        compared.sha256(tree, request);
    }
    compared.files.sort_by(|a, b| a.name.cmp(&b.name));
    compared.unread.sort();
    compared.defects.sort_by(|a, b| {
        b.weight.cmp(&a.weight).then_with(|| a.file.cmp(&b.file)).then_with(|| a.why.cmp(&b.why))
    });
    compared
}

impl Compared {
    /// A signed file that is not there as a file.
    fn absent(&mut self, name: &str, odd: Option<&Oddity>, request: &Request<'_>) {
        let role = Role::named(name);
        if let Some(Oddity::Unreadable(_)) = odd {
            // That it was not read is said once, with all that is odd.
            return self.file(name, 0, None, State::Unread);
        }
        if let Some(what) = odd {
            self.file(name, 0, None, State::Changed);
            self.counts.changed = self.counts.changed.saturating_add(1);
            let why = match what {
                Oddity::Link(target) | Oddity::Broken(target) | Oddity::Cycle(target) => {
                    format!("was a file when it was signed, is a link to `{target}` now")
                }
                Oddity::Escape(_) | Oddity::Special | Oddity::Unreadable(_) => return,
                Oddity::Outside(_) | Oddity::NotUtf8 => "was a file when it was signed".into(),
            };
            return self.defects.push(Defect::of_file(Kind::FileChanged, name, role.weight(), why));
        }
        self.file(name, 0, None, State::Missing);
        self.counts.missing = self.counts.missing.saturating_add(1);
        if request.partial {
            return self.unread.push((name.into(), "signed, and not there to be verified".into()));
        }
        let why = format!("was signed and is missing ({})", role.name());
        self.defects.push(Defect::of_file(Kind::FileMissing, name, role.weight(), why));
    }

    /// Hash the signed files that are there, and compare.
    fn hashed(
        &mut self,
        present: &[(&File, &Parts)],
        statement: &Statement,
        request: &Request<'_>,
    ) {
        let serialization = &statement.serialization;
        let (function, method) = (serialization.function, serialization.method);
        // Of another length, it is another file: no shard of it is worth reading.
        let other_length = |file: &File, parts: &Parts| match parts {
            Parts::Shards { bytes, .. } => *bytes != file.len,
            Parts::Whole(_) => false,
        };
        let (other, same): (Vec<_>, Vec<_>) =
            present.iter().copied().partition(|(file, parts)| other_length(file, parts));
        for (file, parts) in other {
            let Parts::Shards { bytes, .. } = parts else { continue };
            self.changed(file, None, format!("signed {bytes} bytes, found {}", file.len), request);
        }
        let files = same.iter().map(|(file, _)| *file).collect::<Vec<_>>();
        let results = hashing::hash(&files, function, method, &request.reading);
        for ((file, parts), result) in same.into_iter().zip(results) {
            match result {
                Ok(hashed) => self.judge(file, parts, hashed, function, request),
                Err(why) => {
                    self.file(&file.name, file.len, None, State::Unread);
                    self.unread.push((file.name.clone(), why));
                }
            }
        }
    }

    fn judge(
        &mut self,
        file: &File,
        parts: &Parts,
        hashed: Hashed,
        function: Function,
        request: &Request<'_>,
    ) {
        if let Some(other) = hashed.other_blob {
            let weight = Role::named(&file.name).weight();
            let why = "is not the blob that its cache says";
            let mut defect = Defect::of_file(Kind::BlobMismatch, &file.name, weight, why);
            defect.shown = Some(other);
            self.defects.push(defect);
        }
        if let Some(id) = role::pointer(file) {
            let why =
                "is a pointer of Git LFS where weights are named; the weights were not fetched";
            let mut defect =
                Defect::of_file(Kind::PointerNotContent, &file.name, Weight::Load, why);
            defect.shown = Some(format!("points to sha256 {id}"));
            self.defects.push(defect);
        }
        let sha256 = match &hashed.parts {
            Parts::Whole(digest) if function == Function::Sha256 => Some(digest.clone()),
            _ => None,
        };
        if hashed.parts == *parts {
            self.counts.matching = self.counts.matching.saturating_add(1);
            return self.file(&file.name, file.len, sha256, State::Match);
        }
        let shown = match (parts, &hashed.parts) {
            (Parts::Whole(signed), Parts::Whole(found)) => {
                format!("signed {signed}, found {found}")
            }
            (Parts::Shards { digests: signed, .. }, Parts::Shards { digests: found, .. }) => {
                let differ = signed.iter().zip(found).enumerate();
                let differ = differ.filter(|(_, (a, b))| a != b).map(|(at, _)| at);
                let differ = differ.take(8).map(|at| at.to_string()).collect::<Vec<_>>();
                format!("of {} shards, these differ: {}", signed.len(), differ.join(", "))
            }
            _ => "hashed in another way".into(),
        };
        self.changed(file, sha256, shown, request);
    }

    fn changed(
        &mut self,
        file: &File,
        sha256: Option<Digest>,
        mut shown: String,
        request: &Request<'_>,
    ) {
        self.counts.changed = self.counts.changed.saturating_add(1);
        self.file(&file.name, file.len, sha256, State::Changed);
        let role = Role::of(file);
        let runs = role::runs(file);
        let weight = if runs.is_some() { Weight::Load } else { role.weight() };
        let why = match runs {
            Some(runs) => format!("changed after signing: {runs}"),
            None => format!("changed after signing ({})", role.name()),
        };
        let reading = &request.reading;
        let differs = request.against.and_then(|old| difference::of(old, file, reading));
        if let Some(differs) = differs {
            shown = format!("{differs}; {shown}");
        }
        let mut defect = Defect::of_file(Kind::FileChanged, &file.name, weight, why);
        defect.shown = Some(shown);
        self.defects.push(defect);
    }

    /// Files that nobody signed.
    fn unsigned(&mut self, files: &[&File], method: Method, request: &Request<'_>) {
        let (downloads, files): (Vec<&File>, Vec<&File>) =
            files.iter().partition(|file| file.name.starts_with(DOWNLOADS));
        for file in files {
            let role = Role::of(file);
            if matches!(method, Method::Shards(_)) && file.len == 0 {
                let why = "an empty file, which a signature of shards does not cover";
                let kind = Kind::UnsignedByExclusion;
                self.defects.push(Defect::of_file(kind, &file.name, Weight::Text, why));
                continue;
            }
            self.counts.unsigned = self.counts.unsigned.saturating_add(1);
            self.file(&file.name, file.len, None, State::Unsigned);
            if file.name.ends_with(UNFINISHED) {
                self.unread.push((file.name.clone(), "a download that was not finished".into()));
            } else if !request.ignore_unsigned {
                let why = format!("nobody signed this file ({})", role.name());
                let kind = Kind::FileUnsigned;
                self.defects.push(Defect::of_file(kind, &file.name, role.weight(), why));
            }
        }
        self.counts.unsigned = self.counts.unsigned.saturating_add(downloads.len());
        for file in &downloads {
            self.file(&file.name, file.len, None, State::Unsigned);
        }
        if !downloads.is_empty() && !request.ignore_unsigned {
            let folder = DOWNLOADS.trim_end_matches('/');
            let n = downloads.len();
            let why = format!(
                "{n} files that a download left and nobody signed; if they are yours: \
                 `--ignore {folder}`"
            );
            self.defects.push(Defect::of_file(Kind::FileUnsigned, folder, Weight::Text, why));
        }
    }

    /// What is there and no regular file.
    fn odd(&mut self, name: &str, what: &Oddity, signed: bool, request: &Request<'_>) {
        let (kind, weight, why) = match what {
            Oddity::Special => {
                let why = "a pipe, a socket or a device, which is never opened".to_owned();
                (Kind::SpecialFile, Weight::Load, why)
            }
            Oddity::Escape(target) => {
                let why = format!("a link out of the model, to `{target}`");
                (Kind::LinkOutside, Weight::Load, why)
            }
            Oddity::Outside(target) => {
                let why = format!("a link out of the model, to `{target}`, as the signer allowed");
                (Kind::LinkOutside, Weight::Text, why)
            }
            Oddity::Unreadable(why) => return self.unread.push((name.into(), why.clone())),
            Oddity::NotUtf8 if request.ignore_unsigned => return,
            Oddity::NotUtf8 => {
                let why = "a name that is not UTF-8, which no signature covers".to_owned();
                (Kind::FileUnsigned, Weight::Load, why)
            }
            // A signed file that became a link was reported as changed.
            Oddity::Link(_) | Oddity::Broken(_) | Oddity::Cycle(_)
                if signed || request.ignore_unsigned =>
            {
                return;
            }
            Oddity::Link(target) => {
                let why = format!("a link to `{target}`, which the signature does not allow");
                (Kind::FileUnsigned, Weight::Language, why)
            }
            Oddity::Broken(target) => {
                let why = format!("a link to `{target}`, which is not there");
                (Kind::FileUnsigned, Weight::Language, why)
            }
            Oddity::Cycle(target) => {
                let why = format!("a link to `{target}`, a folder that it lies in");
                (Kind::FileUnsigned, Weight::Language, why)
            }
        };
        if kind == Kind::FileUnsigned {
            self.counts.unsigned = self.counts.unsigned.saturating_add(1);
        }
        self.defects.push(Defect::of_file(kind, name, weight, why));
    }

    /// Data that may be executed: modes are not signed, so that says nothing of the signer.
    fn executable(&mut self, files: &[File]) {
        let is_data = |file: &&File| file.executable && !matches!(Role::of(file), Role::Code);
        let mut data = files.iter().filter(is_data);
        let Some(first) = data.next() else { return };
        let more = data.count();
        let more =
            if more == 0 { String::new() } else { format!(", and so may {more} other files") };
        let why = format!("may be executed, though it is data{more}; modes are not signed");
        let kind = Kind::UnsignedByExclusion;
        self.defects.push(Defect::of_file(kind, &first.name, Weight::Text, why));
    }

    /// The SHA-256 of signed files of which the signature has another digest, from another read.
    fn sha256(&mut self, tree: &Tree, request: &Request<'_>) {
        let lacks = |file: &Verified| {
            file.sha256.is_none() && matches!(file.state, State::Match | State::Changed)
        };
        let lacking = self.files.iter_mut().filter(|file| lacks(file));
        let (lacking, files): (Vec<_>, Vec<_>) =
            lacking.filter_map(|file| tree.find(&file.name).map(|found| (file, found))).unzip();
        let reading = Reading { observer: &Nobody, ..request.reading };
        let hashed = hashing::hash(&files, Function::Sha256, Method::Files, &reading);
        for (file, hashed) in lacking.into_iter().zip(hashed) {
            match hashed.map(|hashed| hashed.parts) {
                Ok(Parts::Whole(digest)) => file.sha256 = Some(digest),
                Ok(Parts::Shards { .. }) => {}
                Err(why) => self.unread.push((file.name.clone(), why)),
            }
        }
    }

    fn file(&mut self, name: &str, bytes: u64, sha256: Option<Digest>, state: State) {
        self.files.push(Verified { name: name.to_owned(), bytes, sha256, state });
    }
}

/// What `huggingface_hub` leaves in a folder that it downloads to.
const DOWNLOADS: &str = ".cache/huggingface/";
