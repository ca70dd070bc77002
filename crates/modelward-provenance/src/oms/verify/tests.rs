use std::{
    collections::BTreeMap,
    fs, io,
    num::NonZeroU64,
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use proptest::prelude::*;

use super::*;
use crate::{
    digest::Function,
    keys::{Curve, PublicKey, SigningKey},
    oms::{Copy, Method, Observer, Order, Reading, Signed, Trust, sign},
    tree::File,
};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Curve::P256).unwrap());

static PUBLIC: LazyLock<PublicKey> = LazyLock::new(|| KEY.public());

/// A model and its signature.
struct Case {
    folder: tempfile::TempDir,
    bundle: Vec<u8>,
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn order() -> Order<'static> {
    Order {
        key: &KEY,
        certificates: &[],
        method: Method::Files,
        function: Function::Sha256,
        ignore: &[],
        allow_symlinks: false,
        outputs: &[],
        reading: Reading::default(),
    }
}

fn signed(folder: &Path, order: &Order<'_>) -> Signed {
    sign(folder, order).unwrap()
}

impl Case {
    fn new(files: &[(&str, &[u8])], order: &Order<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            write(folder.path(), name, bytes);
        }
        let bundle = signed(folder.path(), order).bundle;
        Self { folder, bundle }
    }

    fn usual() -> Self {
        let files: [(&str, &[u8]); 4] = [
            ("config.json", b"{\"a\":1}"),
            ("sub/weights.bin", &[7; 5000]),
            ("README.md", b"read me"),
            ("empty", b""),
        ];
        Self::new(&files, &order())
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        write(self.folder.path(), name, bytes);
    }

    fn verify<'r>(&self, change: impl FnOnce(&mut Request<'r>)) -> Verification {
        let mut request: Request<'r> = request(&PUBLIC);
        change(&mut request);
        verify(self.folder.path(), &self.bundle, &request).unwrap()
    }

    /// The kinds of what is wrong, with the files.
    fn defects(&self) -> Vec<(Kind, String)> {
        let verification = self.verify(|_| {});
        verification.defects.into_iter().map(|defect| (defect.kind, defect.file)).collect()
    }
}

fn request(key: &PublicKey) -> Request<'_> {
    Request {
        trust: Trust::Key(key),
        ignore: &[],
        ignore_unsigned: false,
        partial: false,
        signatures: &[],
        sha256: false,
        against: None,
        reading: Reading::default(),
    }
}

fn shards(size: u64) -> Order<'static> {
    Order { method: Method::Shards(NonZeroU64::new(size).unwrap()), ..order() }
}

#[test]
fn what_is_signed_verifies_by_every_method_and_function() {
    for function in Function::ALL {
        for method in [Method::Files, shards(64).method, shards(1 << 40).method] {
            let order = Order { method, function, ..order() };
            let case = Case::new(&[("a/b", &[1; 1000]), ("a-x", b"2"), ("co:lon", b"3")], &order);
            let verification = case.verify(|_| {});
            assert_eq!(verification.defects, [], "{function:?} {method:?}");
            assert_eq!(verification.counts, Counts { matching: 3, ..Counts::default() });
        }
    }
}

#[test]
fn every_curve_signs() {
    for curve in Curve::ALL {
        let key = SigningKey::generate(curve).unwrap();
        let case = Case::new(&[("a", b"1")], &Order { key: &key, ..order() });
        let public = key.public();
        assert_eq!(case.verify(|request| request.trust = Trust::Key(&public)).defects, []);
        assert_eq!(case.defects(), [(Kind::SignerUntrusted, String::new())]);
    }
}

#[test]
fn what_changed_came_and_went_is_named_and_ranked() {
    let case = Case::usual();
    case.write("config.json", br#"{"a":1,"auto_map":{"AutoModel":"modeling_x.Model"}}"#);
    case.write("README.md", b"other");
    case.write("new.py", b"import os");
    fs::remove_file(case.folder.path().join("sub/weights.bin")).unwrap();
    let verification = case.verify(|_| {});
    let defects = verification.defects.iter().map(|d| (d.kind, d.file.as_str(), d.weight));
    use crate::Weight::{Load, Text};
    assert_eq!(
        defects.collect::<Vec<_>>(),
        [
            (Kind::FileChanged, "config.json", Load),
            (Kind::FileUnsigned, "new.py", Load),
            (Kind::FileMissing, "sub/weights.bin", Load),
            (Kind::FileChanged, "README.md", Text),
        ]
    );
    assert!(verification.defects[0].why.contains("`auto_map` names modeling_x.py"));
    let counts = Counts { matching: 1, changed: 2, missing: 1, unsigned: 1 };
    assert_eq!(verification.counts, counts);
}

#[test]
fn the_user_may_leave_out_what_nobody_signed() {
    let case = Case::usual();
    case.write("notes/a.txt", b"mine");
    case.write("b.py", b"mine");
    assert_eq!(case.defects().len(), 2);
    assert_eq!(case.verify(|request| request.ignore_unsigned = true).defects, []);
    let ignore = ["notes/".to_owned(), "./b.py".to_owned()];
    let verification = case.verify(|request| request.ignore = &ignore);
    assert_eq!((verification.defects, verification.ignored.len()), (Vec::new(), 2));
    for bad in ["..", "/etc", "*.py", "a/../b", ""] {
        let (key, ignore) = (KEY.public(), [bad.to_owned()]);
        let request = Request { ignore: &ignore, ..request(&key) };
        assert!(verify(case.folder.path(), &case.bundle, &request).is_err(), "{bad}");
    }
}

#[test]
fn a_part_of_a_model_is_never_the_whole() {
    let case = Case::usual();
    fs::remove_file(case.folder.path().join("sub/weights.bin")).unwrap();
    let verification = case.verify(|request| request.partial = true);
    assert_eq!(verification.defects, []);
    assert_eq!(verification.unread.len(), 1);
    case.write("x.incomplete", b"half");
    let unread = case.verify(|request| request.partial = true).unread;
    assert_eq!(unread.len(), 2);
}

#[test]
fn what_the_signer_left_out_is_named_where_it_matters() {
    let ignore = ["weights.bin".to_owned(), "notes.txt".to_owned(), "data".to_owned()];
    let files: [(&str, &[u8]); 4] =
        [("a.txt", b"1"), ("weights.bin", b"2"), ("notes.txt", b"3"), ("data/run.py", b"4")];
    let case = Case::new(&files, &Order { ignore: &ignore, ..order() });
    let verification = case.verify(|_| {});
    let expected =
        ["data/run.py", "weights.bin"].map(|name| (Kind::UnsignedByExclusion, name.into()));
    assert_eq!(case.defects(), expected);
    assert!(verification.defects.iter().all(|defect| defect.weight == crate::Weight::Load));
    let ignored = case.verify(|request| request.ignore = &ignore);
    assert_eq!(ignored.defects, [], "what the user names is the user's own word");
}

#[test]
fn what_git_runs_lies_outside_and_is_named() {
    let case = Case::usual();
    case.write(".git/hooks/post-checkout", b"#!/bin/sh\n");
    case.write(".git/hooks/pre-push.sample", b"#!/bin/sh\n");
    case.write(".gitattributes", b"*.bin filter=lfs diff=lfs\n*.x filter=evil\n");
    case.write(".github/workflows/ci.yml", b"on: push\n");
    let verification = case.verify(|_| {});
    let files = verification.defects.iter().map(|defect| defect.file.as_str()).collect::<Vec<_>>();
    assert_eq!(files, [".git/hooks/post-checkout", ".gitattributes", ".github/workflows/ci.yml"]);
    let mild = |defect: &Defect| {
        defect.kind == Kind::UnsignedByExclusion && defect.weight == crate::Weight::Text
    };
    assert!(verification.defects.iter().all(mild));
}

#[test]
fn shards_do_not_see_an_empty_file() {
    let case = Case::new(&[("a", &[1; 100])], &shards(64));
    case.write("__init__.py", b"");
    let verification = case.verify(|_| {});
    assert_eq!(case.defects(), [(Kind::UnsignedByExclusion, "__init__.py".into())]);
    assert_eq!(verification.defects[0].weight, crate::Weight::Text);
    case.write("a", &[1; 99]);
    assert_eq!(case.defects()[0], (Kind::FileChanged, "a".into()));
    case.write("a", &[[1; 99].as_slice(), &[2]].concat());
    let verification = case.verify(|_| {});
    assert_eq!(verification.defects[0].shown.as_deref(), Some("of 2 shards, these differ: 1"));
}

#[test]
fn a_pointer_of_lfs_is_no_weights() {
    let id = "ab".repeat(32);
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{id}\nsize 9\n");
    let case = Case::new(&[("model.safetensors", pointer.as_bytes())], &order());
    assert_eq!(case.defects(), [(Kind::PointerNotContent, "model.safetensors".into())]);
}

#[test]
fn what_a_download_left_is_one_finding_with_the_words_to_allow_it() {
    let case = Case::usual();
    for name in ["a.metadata", "b.metadata"] {
        case.write(&format!(".cache/huggingface/download/{name}"), b"x");
    }
    let verification = case.verify(|_| {});
    assert_eq!(case.defects(), [(Kind::FileUnsigned, ".cache/huggingface".into())]);
    assert!(verification.defects[0].why.contains("`--ignore .cache/huggingface`"));
    let ignore = [".cache/huggingface".to_owned()];
    assert_eq!(case.verify(|request| request.ignore = &ignore).defects, []);
}

#[test]
fn digests_that_somebody_has_are_not_computed_again() {
    let case = Case::usual();
    let digests = case.verify(|_| {});
    let digests =
        digests.files.iter().map(|file| (file.name.clone(), file.sha256.clone().unwrap()));
    let known = digests.collect::<BTreeMap<_, _>>();
    let reading = Reading { observer: &Refuse, known: Some(&known), ..Reading::default() };
    assert_eq!(case.verify(|request| request.reading = reading).unread, []);
    let order = Order { reading, ..order() };
    assert_eq!(signed(case.folder.path(), &order).files, 4);
}

/// Looks on, and wants to see nothing.
struct Refuse;

impl Observer for Refuse {
    fn window(&self, _: &File, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::Error::other("nobody is to read this"))
    }
}

/// Writes to a file while it is read.
struct Writer(AtomicBool);

impl Observer for Writer {
    fn window(&self, file: &File, _: u64, _: &[u8]) -> io::Result<()> {
        if file.name.ends_with("weights.bin") && !self.0.swap(true, SeqCst) {
            let mut bytes = fs::read(&file.path)?;
            bytes.push(0);
            fs::write(&file.path, bytes)?;
        }
        Ok(())
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_neither_signed_nor_verified() {
    let case = Case::usual();
    let writer = Writer(AtomicBool::new(false));
    let reading = Reading { observer: &writer, ..Reading::default() };
    let verification = case.verify(|request| request.reading = reading);
    assert_eq!(verification.unread[0].1, "it changed while it was read");
    let writer = Writer(AtomicBool::new(false));
    let reading = Reading { observer: &writer, ..Reading::default() };
    let refused = sign(case.folder.path(), &Order { reading, ..order() }).unwrap_err();
    assert!(refused.why.contains("changed while it was read"), "{refused}");
}

#[test]
fn a_deadline_ends_the_reading() {
    let case = Case::usual();
    let reading = Reading { deadline: Some(std::time::Instant::now()), ..Reading::default() };
    let verification = case.verify(|request| request.reading = reading);
    assert_eq!(verification.unread.last().unwrap().1, "time is up");
}

#[test]
fn a_copy_is_of_the_bytes_that_were_hashed() {
    let case = Case::usual();
    let place = tempfile::tempdir().unwrap();
    let copy = Copy::beside(&place.path().join("copy")).unwrap();
    let reading = Reading { observer: &copy, ..Reading::default() };
    assert_eq!(case.verify(|request| request.reading = reading).defects, []);
    let kept = copy.keep().unwrap();
    for name in ["config.json", "sub/weights.bin", "README.md", "empty"] {
        let [original, copied] =
            [case.folder.path(), &kept].map(|folder| fs::read(folder.join(name)));
        assert_eq!(original.unwrap(), copied.unwrap());
    }
    assert!(Copy::beside(&kept).is_err());
    // A copy that is not kept leaves nothing behind.
    drop(Copy::beside(&place.path().join("other")).unwrap());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn an_exclusion_that_covers_a_signed_file_is_a_contradiction() {
    let case = Case::usual();
    let payload = crate::oms::Bundle::read(&case.bundle).unwrap().payload;
    let mut statement: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    statement["predicate"]["serialization"]["ignore_paths"] = serde_json::json!(["sub"]);
    let bundle = crate::oms::sign_statement(statement.to_string().as_bytes(), &KEY, &[]).unwrap();
    let verification = verify(case.folder.path(), &bundle, &request(&KEY.public())).unwrap();
    assert_eq!(verification.defects[0].kind, Kind::StatementUnsound);
}

#[test]
fn the_old_encoding_is_for_old_statements_alone() {
    let case = Case::usual();
    let payload = crate::oms::Bundle::read(&case.bundle).unwrap().payload;
    let message =
        crate::oms::envelope::signed_bytes_of_old(crate::oms::envelope::IN_TOTO, &payload);
    let material = crate::oms::Material::Key { hint: None, raw: None };
    let sign_old = |payload: Vec<u8>, message: &[u8]| {
        let signature = KEY.sign(message);
        let material = material.clone();
        crate::oms::Bundle { material, payload, signature }.write().unwrap()
    };
    let bundle = sign_old(payload, &message);
    let verification = verify(case.folder.path(), &bundle, &request(&KEY.public())).unwrap();
    assert_eq!(verification.defects.last().unwrap().kind, Kind::SignatureInvalid);
    let digest = |bytes: &[u8]| crate::digest::of(Function::Sha256, bytes).to_string();
    let subject = |name: &str, bytes: &[u8]| serde_json::json!({ "name": name, "digest": { "sha256": digest(bytes) } });
    let old = serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            subject("config.json", b"{\"a\":1}"),
            subject("sub/weights.bin", &[7; 5000]),
            subject("README.md", b"read me"),
            subject("empty", b""),
        ],
        "predicateType": "https://model_signing/Digests/v0.1",
        "predicate": { "unused": "it's unused" },
    });
    let payload = old.to_string().into_bytes();
    let message =
        crate::oms::envelope::signed_bytes_of_old(crate::oms::envelope::IN_TOTO, &payload);
    let bundle = sign_old(payload, &message);
    let verification = verify(case.folder.path(), &bundle, &request(&KEY.public())).unwrap();
    assert_eq!(verification.counts.matching, 4);
    assert_eq!(verification.defects.len(), 1, "the missing hint alone");
}

#[cfg(unix)]
#[test]
fn a_file_that_became_a_link_has_changed() {
    let case = Case::usual();
    let path = case.folder.path().join("config.json");
    let other = tempfile::tempdir().unwrap();
    fs::rename(&path, other.path().join("config.json")).unwrap();
    std::os::unix::fs::symlink(other.path().join("config.json"), &path).unwrap();
    assert!(case.defects().contains(&(Kind::LinkOutside, "config.json".into())));
    fs::remove_file(&path).unwrap();
    case.write("same.json", b"{\"a\":1}");
    std::os::unix::fs::symlink("same.json", &path).unwrap();
    assert!(case.defects().contains(&(Kind::FileChanged, "config.json".into())));
    fs::remove_file(&path).unwrap();
    std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(case.defects().contains(&(Kind::SpecialFile, "config.json".into())));
}

#[cfg(unix)]
#[test]
fn links_are_signed_only_where_the_signer_says_so() {
    let case = Case::usual();
    std::os::unix::fs::symlink("../config.json", case.folder.path().join("sub/link.json")).unwrap();
    assert!(
        sign(case.folder.path(), &order()).unwrap_err().why.contains("`sub/link.json` is a link")
    );
    assert_eq!(case.defects(), [(Kind::FileUnsigned, "sub/link.json".into())]);
    let bundle = signed(case.folder.path(), &Order { allow_symlinks: true, ..order() }).bundle;
    let verification = verify(case.folder.path(), &bundle, &request(&KEY.public())).unwrap();
    assert_eq!((verification.defects.len(), verification.counts.matching), (0, 5));
}

#[test]
fn what_gives_no_signature_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(sign(folder.path(), &order()).is_err());
    write(folder.path(), ".gitignore", b"x");
    assert!(sign(folder.path(), &order()).unwrap_err().why.contains("found none"));
    write(folder.path(), "empty", b"");
    assert!(sign(folder.path(), &shards(10)).is_err(), "shards of nothing are nothing");
    write(folder.path(), "x.incomplete", b"1");
    assert!(sign(folder.path(), &order()).unwrap_err().why.contains("not finished"));
    assert!(sign(&folder.path().join("none"), &order()).is_err());
    fs::write(folder.path().join("x.incomplete"), vec![0; 2 << 20]).unwrap();
    fs::rename(folder.path().join("x.incomplete"), folder.path().join("x")).unwrap();
    assert!(sign(folder.path(), &shards(1)).unwrap_err().why.contains("pieces"));
}

#[test]
fn the_signature_lies_in_the_model_and_is_not_part_of_it() {
    let case = Case::usual();
    let place = case.folder.path().join("model.sig");
    let bundle = signed(case.folder.path(), &Order { outputs: &[&place], ..order() });
    assert!(bundle.exclusions.contains(&"model.sig".to_owned()));
    fs::write(&place, &bundle.bundle).unwrap();
    let key = KEY.public();
    let request = Request { signatures: &[&place], ..request(&key) };
    assert_eq!(verify(case.folder.path(), &bundle.bundle, &request).unwrap().defects, []);
    // Signed without being named: left out by what it is.
    let other = signed(case.folder.path(), &Order { ignore: &["model.sig".into()], ..order() });
    fs::write(&place, &other.bundle).unwrap();
    assert_eq!(verify(case.folder.path(), &other.bundle, &request).unwrap().defects, []);
}

#[test]
fn threads_change_nothing() {
    let case = Case::usual();
    let root = |threads| {
        let reading = Reading { threads, ..Reading::default() };
        [Method::Files, shards(100).method].map(|method| {
            let order = Order { method, reading, ..order() };
            let bundle = signed(case.folder.path(), &order).bundle;
            crate::oms::Bundle::read(&bundle).unwrap().payload
        })
    };
    assert_eq!(root(1), root(8));
}

/// Remembers what it saw.
struct Memory(Mutex<BTreeMap<String, BTreeMap<u64, Vec<u8>>>>);

impl Observer for Memory {
    fn window(&self, file: &File, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut seen = self.0.lock().unwrap();
        seen.entry(file.name.clone()).or_default().insert(at, bytes.to_vec());
        Ok(())
    }
}

fn names() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let name = proptest::string::string_regex("[a-zA-Z0-9 :é\u{1f600}-]{1,6}(\\.bin|\\.py|\\.md)")
        .unwrap();
    let bytes = proptest::collection::vec(any::<u8>(), 0..300);
    let folder = prop_oneof![Just(String::new()), Just("sub/".into()), Just("sub/deep/".into())];
    let file = (folder, name).prop_map(|(folder, name)| folder + &name);
    proptest::collection::btree_map(file, bytes, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_signed_verifies_and_any_flipped_byte_is_caught(
        files in names(), at in any::<proptest::sample::Index>(), bit in 0_u8..8, shard in 1_u64..200,
    ) {
        for order in [order(), shards(shard)] {
            let listed = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
            let listed = listed.collect::<Vec<_>>();
            if listed.iter().all(|(_, bytes)| bytes.is_empty()) {
                continue;
            }
            let case = Case::new(&listed, &order);
            let memory = Memory(Mutex::default());
            let reading = Reading { observer: &memory, ..Reading::default() };
            let verification = case.verify(|request| request.reading = reading);
            prop_assert!(verification.defects.iter().all(|d| d.kind == Kind::UnsignedByExclusion));
            for (name, windows) in memory.0.into_inner().unwrap() {
                let seen = windows.into_values().collect::<Vec<_>>().concat();
                prop_assert_eq!(&seen, &files[&name]);
            }
            let full = files.iter().filter(|(_, bytes)| !bytes.is_empty()).collect::<Vec<_>>();
            let (name, bytes) = full[at.index(full.len())];
            let mut changed = bytes.clone();
            let spot = at.index(changed.len());
            changed[spot] ^= 1 << bit;
            case.write(name, &changed);
            prop_assert!(case.defects().contains(&(Kind::FileChanged, name.clone())));
        }
    }

    #[test]
    fn any_flipped_byte_of_a_bundle_is_caught(at in any::<proptest::sample::Index>(), bit in 0_u8..8) {
        static CASE: LazyLock<Case> = LazyLock::new(Case::usual);
        let mut bundle = CASE.bundle.clone();
        let spot = at.index(bundle.len());
        bundle[spot] ^= 1 << bit;
        let key = KEY.public();
        let verification = verify(CASE.folder.path(), &bundle, &request(&key)).unwrap();
        let accepted = verification.signed_by.is_some() && verification.defects.is_empty();
        // The version in the media type, the key id and the list of log entries are neither signed nor gone by.
        let whole = String::from_utf8_lossy(&CASE.bundle);
        let is_in = |text: &str| {
            let from_there = spot.checked_sub(whole.find(text).unwrap());
            from_there.is_some_and(|at| at < text.len())
        };
        let free = [".v0.3+json", "\"keyid\":\"\"", "tlogEntries"].into_iter().any(is_in);
        prop_assert!(!accepted || free, "byte {}", spot);
    }
}
