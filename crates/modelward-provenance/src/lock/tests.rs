use proptest::prelude::*;

use super::*;
use crate::{digest::of, manifest::File};

fn manifest(files: &[(&str, &str)]) -> Manifest {
    let files = files.iter().map(|(path, content)| File {
        path: (*path).into(),
        bytes: content.len() as u64,
        sha256: of(Function::Sha256, content.as_bytes()),
        blake3: of(Function::Blake3, content.as_bytes()),
    });
    let mut files = files.collect::<Vec<_>>();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Manifest { files, ..Manifest::default() }
}

fn locked(source: &str, files: &[(&str, &str)]) -> Model {
    let revision = Some("607a30d783dfa663caf39e06633721c8d4cfcd7e".into());
    let origin = Origin { source: Source::parse(source).unwrap(), revision };
    Model { licence: Some("mit".into()), ..Model::new(origin, &manifest(files)) }
}

fn lock(models: impl IntoIterator<Item = Model>) -> Lock {
    let mut lock = Lock::default();
    models.into_iter().for_each(|model| drop(lock.insert(model)));
    lock
}

proptest! {
    #[test]
    fn what_is_written_is_read(names in prop::collection::btree_set("[^/\0]{1,8}(/[^/\0]{1,8})?", 0..5)) {
        let bad = |name: &String| name.split('/').any(|step| matches!(step, "." | ".."));
        let files = names.iter().filter(|name| !bad(name)).map(|name| (&**name, "x"));
        let whole = lock([
            locked("hf:org/name", &files.collect::<Vec<_>>()),
            locked("file:models/a b", &[("w", "1")]),
        ]);
        let text = whole.toml();
        prop_assert_eq!(Lock::parse(text.as_bytes()).unwrap(), whole);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Lock::parse(&bytes);
    }
}

#[test]
fn changed_missing_and_new_files_are_told_apart() {
    let model = locked("hf:org/name", &[("a", "1"), ("b", "2"), ("c", "3")]);
    let now = manifest(&[("a", "1"), ("b", "other"), ("d", "4")]);
    let same = manifest(&[("a", "1"), ("b", "2"), ("c", "3")]);
    assert_eq!(model.check_manifest(None, &same), []);
    let found = model.check_manifest(model.revision.as_deref(), &now);
    let found = found.iter().map(|defect| (defect.kind, &*defect.file)).collect::<Vec<_>>();
    let expected = [
        (Kind::LockMismatch, "b"),
        (Kind::LockEntryMissing, "c"),
        (Kind::LockEntryMissing, "d"),
    ];
    assert_eq!(found, expected);
    let other = model.check_manifest(Some(&"0".repeat(40)), &same);
    assert_eq!((other.len(), other[0].kind), (1, Kind::LockMismatch));
}

#[test]
fn a_lock_that_lies_is_refused_in_one_sentence() {
    let text = lock([locked("hf:org/name", &[("a", "1"), ("b", "2")])]).toml();
    let a = of(Function::Sha256, b"1").to_string();
    let b = of(Function::Sha256, b"2").to_string();
    let changes = [
        (a.as_str(), b.as_str(), "give the root"),
        (&a, &a.to_uppercase()[..], "lower-case"),
        ("path = \"a\"", "path = \"../a\"", "does not lie in a model"),
        ("path = \"a\"", "path = \"b\"", "stands twice"),
        ("bytes = 1", "bytes = -1", "a count"),
        ("version = 1", "version = 2", "expected version 1, got 2"),
        ("version = 1", "", "expected a version"),
        ("607a30d", "main", "40 hexadecimal digits"),
        ("hf:org/name", "org/name", "expected a source"),
        ("licence", "license", "unexpected key `license`"),
        ("[[model]]", "[[model]", "line"),
        ("root = ", "root = 1 #", "to be a text"),
    ];
    for (from, to, why) in changes {
        let changed = text.replacen(from, to, 1);
        let trouble = Lock::parse(changed.as_bytes()).unwrap_err();
        assert!(trouble.why.contains(why), "{why}: {trouble}");
        assert!(!trouble.why.contains('\n'), "{trouble}");
    }
}
