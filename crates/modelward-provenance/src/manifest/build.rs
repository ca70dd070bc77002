//! A manifest made from files: side by side, and put together in their order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use modelward_formats::Limits;

use super::{Contents, Manifest, Unread, read::{Entry, entry}, tensor};
use crate::tree::{DEFAULT_EXCLUSIONS, Oddity, Tree};

/// What goes into a manifest.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether tensors and row groups have digests of their own.
    pub contents: bool,
    /// Paths that are left out, each with what lies below it, beside those that every signature leaves
    /// out.
    pub ignored: BTreeSet<String>,
    /// Threads; 0 for as many as there are cores.
    pub threads: usize,
    /// What reading one file may cost.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        let limits = Limits { time: Duration::from_secs(3600), ..Limits::default() };
        Self { contents: false, ignored: BTreeSet::new(), threads: 0, limits }
    }
}

impl Options {
    pub(super) fn exclusions(&self) -> BTreeSet<String> {
        let always = DEFAULT_EXCLUSIONS.iter().map(|&path| path.to_owned());
        always.chain(self.ignored.iter().cloned()).collect()
    }
}

/// Read all files of a tree.
pub fn build(tree: &Tree, options: &Options) -> Manifest {
    let mut entries = entries(tree, options);
    let mut manifest = Manifest { contents: options.contents.then(Contents::default), ..Manifest::default() };
    let mut formats = BTreeMap::new();
    for entry in &mut entries {
        manifest.unread.append(&mut entry.unread);
        if let (Some(file), Some(format)) = (&entry.file, entry.format) {
            formats.insert(file.path.clone(), format.to_owned());
        }
        if let Some(contents) = &mut manifest.contents {
            contents.tensors.append(&mut entry.tensors);
            contents.row_groups.append(&mut entry.row_groups);
        }
        manifest.files.extend(entry.file.take());
    }
    manifest.unread.extend(tree.odd.iter().map(|odd| Unread {
        file: odd.name.clone(),
        part: None,
        why: said(&odd.what),
    }));
    manifest.unread.sort();
    if let Some(contents) = &mut manifest.contents {
        contents.models = tensor::models(&contents.tensors, &formats);
    }
    manifest
}

/// What is no regular file, in words.
fn said(what: &Oddity) -> String {
    match what {
        Oddity::Link(to) => format!("a link to `{to}`"),
        Oddity::Outside(to) | Oddity::Escape(to) => format!("a link out of the folder, to `{to}`"),
        Oddity::Cycle(to) => format!("a link to `{to}`, which it lies in"),
        Oddity::Broken(to) => format!("a link to `{to}`, which is not there"),
        Oddity::Special => "a pipe, a socket or a device".into(),
        Oddity::NotUtf8 => "a name that is not UTF-8".into(),
        Oddity::Unreadable(why) => why.clone(),
    }
}

/// Read the files, the largest first, so that the last thread does not work alone; in the order of
/// the files.
fn entries(tree: &Tree, options: &Options) -> Vec<Entry> {
    let mut order = tree.files.iter().enumerate().collect::<Vec<_>>();
    order.sort_by_key(|(_, file)| std::cmp::Reverse(file.len));
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::with_capacity(order.len()));
    let work = || {
        let mut done = Vec::new();
        while let Some(&(at, file)) = order.get(next.fetch_add(1, Relaxed)) {
            done.push((at, entry(tree, file, options.contents, &options.limits)));
        }
        all.lock().unwrap_or_else(PoisonError::into_inner).append(&mut done);
    };
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = if options.threads == 0 { cores() } else { options.threads };
    thread::scope(|scope| {
        for _ in 1..threads.min(order.len()) {
            // Where the system gives no thread, the others do its work.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, entry)| entry).collect()
}
