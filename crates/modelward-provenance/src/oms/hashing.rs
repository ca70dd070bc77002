//! Reading the files of a model once: digests for the signature, and a look on for whoever else wants
//! the bytes.
//!
//! Files are read side by side, and of a file in shards the shards. Each result has its own place, so
//! nothing depends on how many threads there were or which was first.

use std::{
    collections::BTreeMap,
    fs, io,
    num::NonZeroU64,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Instant,
};

use sha1::{Digest as _, Sha1};

use crate::{
    digest::{Digest, Function, Hasher},
    oms::{method::Method, resources::Parts},
    tree::{
        File, Tree,
        cache::Blob,
        open::{self, cause},
    },
};

/// Whoever looks on while files are read. Of one file, windows may come from several threads and in
/// any order; each byte comes once. An empty file gives one window of nothing.
pub trait Observer: Sync {
    /// Some bytes of a file, from an offset.
    ///
    /// # Errors
    /// Where the bytes cannot be taken in: the file then counts as unread.
    fn window(&self, file: &File, at: u64, bytes: &[u8]) -> io::Result<()>;
}

/// Nobody looks on.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Observer for Nobody {
    fn window(&self, _: &File, _: u64, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// How files are read.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Threads; 0 for as many as there are cores.
    pub threads: usize,
    /// When reading has to end.
    pub deadline: Option<Instant>,
    /// Who looks on.
    pub observer: &'a dyn Observer,
    /// SHA-256 of files by their names, where somebody has read them already: those files are not read
    /// again, and nobody looks on.
    pub known: Option<&'a BTreeMap<String, Digest>>,
}

impl Default for Reading<'_> {
    fn default() -> Self {
        Self { threads: 0, deadline: None, observer: &Nobody, known: None }
    }
}

/// The digests of one file, and whether it is the blob that its cache says.
#[derive(Clone, Debug)]
pub(crate) struct Hashed {
    pub(crate) parts: Parts,
    /// What the name of a blob says, and what came instead.
    pub(crate) other_blob: Option<String>,
}

/// Hash files, each by itself; in the order of the files. Of a file that cannot be read or that changed
/// meanwhile there is one sentence why.
pub(crate) fn hash(
    files: &[&File],
    function: Function,
    method: Method,
    reading: &Reading<'_>,
) -> Vec<Result<Hashed, String>> {
    let known = reading.known.filter(|_| method == Method::Files && function == Function::Sha256);
    let known = |file: &File| known.and_then(|known| known.get(&file.name));
    let unread = files.iter().copied().filter(|file| known(file).is_none()).collect::<Vec<_>>();
    let jobs = jobs(&unread, method);
    let done = run(&jobs, function, reading);
    let mut done = done.into_iter();
    let mut hashed = Vec::with_capacity(files.len());
    for file in files {
        if let Some(digest) = known(file) {
            let piece = Piece { digest: digest.clone(), git: None };
            hashed.push(whole(file, vec![piece], function, method));
            continue;
        }
        let pieces = count(file, method);
        // All of them are taken, also where one was not read: the next are of another file.
        let pieces = done.by_ref().take(pieces).collect::<Vec<_>>();
        let pieces = pieces.into_iter().collect::<Result<Vec<_>, _>>();
        hashed.push(pieces.and_then(|pieces| whole(file, pieces, function, method)));
    }
    hashed
}

/// SHA-256 of the files of a tree, in their order; of a file that cannot be read, or that changed
/// meanwhile, one sentence why.
pub fn sha256(tree: &Tree, reading: &Reading<'_>) -> Vec<Result<Digest, String>> {
    let files = tree.files.iter().collect::<Vec<_>>();
    let whole = |hashed: Hashed| match hashed.parts {
        Parts::Whole(digest) => Ok(digest),
        Parts::Shards { .. } => Err("it was not read as a whole".to_owned()),
    };
    let hashed = hash(&files, Function::Sha256, Method::Files, reading);
    hashed.into_iter().map(|hashed| hashed.and_then(whole)).collect()
}

/// A range of one file.
struct Job<'a> {
    file: &'a File,
    start: u64,
    /// Where it ends; for a whole file, where the file does.
    end: u64,
    /// Whether it is the whole file.
    whole: bool,
}

/// What came of a job.
struct Piece {
    digest: Digest,
    git: Option<[u8; 20]>,
}

/// Jobs in the order of the files.
fn jobs<'a>(files: &[&'a File], method: Method) -> Vec<Job<'a>> {
    let mut jobs = Vec::new();
    for &file in files {
        match method {
            Method::Files => jobs.push(Job { file, start: 0, end: file.len, whole: true }),
            Method::Shards(size) => {
                let mut start = 0_u64;
                for _ in 0..count(file, method) {
                    let end = start.saturating_add(size.get()).min(file.len);
                    jobs.push(Job { file, start, end, whole: start == 0 && end == file.len });
                    start = end;
                }
            }
        }
    }
    jobs
}

/// How many pieces a file has. The caller has bounded it.
fn count(file: &File, method: Method) -> usize {
    match method {
        Method::Files => 1,
        Method::Shards(size) => usize::try_from(pieces(file.len, size)).unwrap_or(usize::MAX),
    }
}

/// How many pieces of a size so many bytes make.
pub(crate) fn pieces(bytes: u64, size: NonZeroU64) -> u64 {
    bytes.div_ceil(size.get())
}

/// Do the jobs, the largest first, so that the last thread does not work alone. Once every thread has
/// one, a thread does two in turn: that is less work for both (see `digest::sha256`).
fn run(jobs: &[Job<'_>], function: Function, reading: &Reading<'_>) -> Vec<Result<Piece, String>> {
    let mut order = (0..jobs.len()).collect::<Vec<_>>();
    order.sort_by_key(|&at| {
        std::cmp::Reverse(jobs.get(at).map_or(0, |job| job.end.saturating_sub(job.start)))
    });
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = if reading.threads == 0 { cores() } else { reading.threads };
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::with_capacity(jobs.len()));
    let work = || {
        let mut done = Vec::new();
        let mut running = Vec::new();
        loop {
            while (running.is_empty() || (running.len() == 1 && next.load(Relaxed) >= threads))
                && let Some(&at) = order.get(next.fetch_add(1, Relaxed))
                && let Some(job) = jobs.get(at)
            {
                match job.begin(function) {
                    Ok(course) => running.push((at, course)),
                    Err(error) => done.push((at, Err(cause(&error)))),
                }
            }
            if running.is_empty() {
                break;
            }
            done.extend(advance(&mut running, reading));
        }
        all.lock().unwrap_or_else(PoisonError::into_inner).append(&mut done);
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(jobs.len()) {
            // Where the system gives no thread, the others do its work.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, piece)| piece).collect()
}

/// One window more of each; gives those that have come to their end.
fn advance(
    running: &mut Vec<(usize, Course<'_>)>,
    reading: &Reading<'_>,
) -> Vec<(usize, Result<Piece, String>)> {
    let mut done = Vec::new();
    let courses = std::mem::take(running);
    for (at, mut course) in courses {
        match course.read(reading) {
            Ok(()) => running.push((at, course)),
            Err(error) => done.push((at, Err(cause(&error)))),
        }
    }
    match &mut running[..] {
        [(_, one), (_, other)] => {
            Hasher::update_both((&mut one.hasher, &one.window), (&mut other.hasher, &other.window));
        }
        several => several.iter_mut().for_each(|(_, one)| one.hasher.update(&one.window)),
    }
    for (at, course) in std::mem::take(running) {
        if course.at < course.job.end {
            running.push((at, course));
        } else {
            done.push((at, course.finish().map_err(|error| cause(&error))));
        }
    }
    done
}

impl<'a> Job<'a> {
    fn begin(&'a self, function: Function) -> io::Result<Course<'a>> {
        let git = match self.file.blob {
            Some(Blob::Git(_)) if self.whole => {
                let mut git = Sha1::new();
                git.update(format!("blob {}\0", self.file.len).as_bytes());
                Some(git)
            }
            _ => None,
        };
        Ok(Course {
            job: self,
            opened: open::open(self.file)?,
            hasher: Hasher::new(function),
            git,
            at: self.start,
            window: Vec::new(),
        })
    }
}

/// A job that runs.
struct Course<'a> {
    job: &'a Job<'a>,
    opened: fs::File,
    hasher: Hasher,
    git: Option<Sha1>,
    /// Up to where it was read.
    at: u64,
    /// The bytes before that, which are to be hashed.
    window: Vec<u8>,
}

impl Course<'_> {
    /// Read the next window, and let others look on.
    fn read(&mut self, reading: &Reading<'_>) -> io::Result<()> {
        let Job { file, start, end, .. } = *self.job;
        if start == end {
            return reading.observer.window(file, start, &[]);
        }
        if reading.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return Err(io::Error::other("time is up"));
        }
        let left = usize::try_from(end.saturating_sub(self.at)).unwrap_or(WINDOW);
        self.window.resize(left.clamp(1, WINDOW), 0);
        let read = read_at(&self.opened, &mut self.window, self.at)?;
        self.window.truncate(read);
        if self.window.is_empty() {
            return Err(io::Error::other("it changed while it was read"));
        }
        if let Some(git) = &mut self.git {
            git.update(&self.window);
        }
        reading.observer.window(file, self.at, &self.window)?;
        self.at = self.at.saturating_add(read as u64);
        Ok(())
    }

    /// The digests, where the file is still what it was.
    fn finish(self) -> io::Result<Piece> {
        open::unchanged(self.job.file, &self.opened)?;
        Ok(Piece { digest: self.hasher.finish(), git: self.git.map(|git| git.finalize().into()) })
    }
}

#[cfg(unix)]
fn read_at(file: &fs::File, into: &mut [u8], at: u64) -> io::Result<usize> {
    use std::os::unix::fs::FileExt;
    loop {
        match file.read_at(into, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(not(unix))]
fn read_at(mut file: &fs::File, into: &mut [u8], at: u64) -> io::Result<usize> {
    use std::io::{Read, Seek};
    file.seek(io::SeekFrom::Start(at))?;
    file.read(into)
}

/// The pieces of a file put together.
fn whole(
    file: &File,
    pieces: Vec<Piece>,
    function: Function,
    method: Method,
) -> Result<Hashed, String> {
    let first = pieces.first();
    let git = first.filter(|_| pieces.len() == 1).and_then(|piece| piece.git);
    let sha256 = first.filter(|_| method == Method::Files && function == Function::Sha256);
    let other_blob = match (&file.blob, git, sha256) {
        (Some(Blob::Git(said)), Some(found), _) if *said != found => {
            Some(format!("named {}, is the git blob {}", hex(said), hex(&found)))
        }
        (Some(Blob::Sha256(said)), _, Some(found)) if found.digest.bytes() != said => {
            Some(format!("named {}, has sha256 {}", hex(said), found.digest))
        }
        _ => None,
    };
    let mut digests = pieces.into_iter().map(|piece| piece.digest);
    let parts = match method {
        Method::Files => Parts::Whole(digests.next().ok_or("it was not read")?),
        Method::Shards(_) => Parts::Shards { bytes: file.len, digests: digests.collect() },
    };
    Ok(Hashed { parts, other_blob })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes read at once: they stay in the cache of a core while they are hashed.
const WINDOW: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Options, Tree};

    /// Does not take what one file has.
    struct Refuses;

    impl Observer for Refuses {
        fn window(&self, file: &File, _: u64, _: &[u8]) -> io::Result<()> {
            if file.name == "a" { Err(io::Error::other("not this one")) } else { Ok(()) }
        }
    }

    #[test]
    fn a_file_that_is_not_read_leaves_the_others_their_own_digests() {
        let folder = tempfile::tempdir().unwrap();
        for (name, size) in [("a", 500), ("b", 300), ("c", 100), ("d", 700)] {
            let bytes = name.repeat(size);
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let tree = Tree::list(folder.path(), &Options::default()).unwrap();
        let files = tree.files.iter().collect::<Vec<_>>();
        let method = Method::Shards(NonZeroU64::new(100).unwrap());
        for threads in [1, 2, 8] {
            let plain = Reading { threads, ..Reading::default() };
            let partly = Reading { observer: &Refuses, ..plain };
            let all = hash(&files, Function::Sha256, method, &plain);
            let some = hash(&files, Function::Sha256, method, &partly);
            assert!(some[0].is_err());
            for at in 1..4 {
                let [one, other] = [&all[at], &some[at]].map(|hashed| hashed.as_ref().unwrap());
                assert_eq!(one.parts, other.parts);
            }
        }
    }
}
