//! Laws of seals: what is sealed comes back, whole or not at all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    path::Path,
    sync::Arc,
};

use modelward_formats::Bytes;
use modelward_provenance::seal::{
    Fault, Identity, Lock, Opened, Passphrase, Result, Seal, Secret, USUAL_WORK, Unseal,
    folder::{Content, Contents, Folder, Kind, Links, Unpacked, list, unpack},
};
use proptest::prelude::*;

const CHUNK: usize = 64 << 10;
const GO_ON: &dyn Fn() -> bool = &|| false;

/// A new identity, as a lock and as what opens it.
fn pair() -> (Lock, Secret) {
    let identity = Identity::generate().unwrap();
    (Lock::Recipients(vec![identity.recipient()]), Secret::Identities(vec![identity]))
}

fn seal(lock: &Lock, armor: bool, content: &[u8]) -> Vec<u8> {
    let mut seal = Seal::new(lock, armor, Vec::new()).unwrap();
    seal.write_all(content).unwrap();
    seal.finish().unwrap()
}

fn unseal(secret: &Secret, sealed: &[u8]) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    Unseal::new(sealed, secret)?.read_to_end(&mut content)?;
    Ok(content)
}

/// Bytes that differ from place to place.
fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect()
}

fn is_broken<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Fault::Broken(_)))
}

#[test]
fn content_of_any_length_comes_back() {
    let (lock, secret) = pair();
    let lens =
        [0, 1, 47, 48, 49, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 40 * CHUNK, 40 * CHUNK + 7];
    for len in lens {
        let content = content(len);
        for armor in [false, true] {
            assert!(unseal(&secret, &seal(&lock, armor, &content)).unwrap() == content, "{len}");
        }
    }
}

#[test]
fn each_recipient_opens_and_nobody_else() {
    let identities = (0..3).map(|_| Identity::generate().unwrap()).collect::<Vec<_>>();
    let recipients = identities.iter().map(Identity::recipient).collect();
    let sealed = seal(&Lock::Recipients(recipients), false, b"weights");
    for identity in identities {
        assert_eq!(unseal(&Secret::Identities(vec![identity]), &sealed).unwrap(), b"weights");
    }
    let (_, other) = pair();
    assert!(matches!(unseal(&other, &sealed), Err(Fault::Trouble(_))));
    assert!(Seal::new(&Lock::Recipients(Vec::new()), false, Vec::new()).is_err());
}

#[test]
fn a_passphrase_opens_and_no_other_does() {
    let secret = |text: &str, most_work| {
        let passphrase = Passphrase::new(text.to_owned()).unwrap();
        Secret::Passphrase { passphrase, most_work }
    };
    let passphrase = Passphrase::new("correct horse".to_owned()).unwrap();
    let sealed = seal(&Lock::Passphrase { passphrase, work: 4 }, false, b"weights");
    assert_eq!(unseal(&secret("correct horse", USUAL_WORK), &sealed).unwrap(), b"weights");
    for (secret, said) in [
        (secret("wrong horse", USUAL_WORK), "the passphrase does not open the file"),
        (secret("correct horse", 3), "the passphrase's work factor is 4, over the limit of 3"),
        (pair().1, "the file is sealed with a passphrase, not for an identity"),
    ] {
        let Err(Fault::Trouble(trouble)) = unseal(&secret, &sealed) else { panic!("{said}") };
        assert_eq!(trouble.why, said);
    }
    assert!(Passphrase::new(String::new()).is_err());
}

#[test]
fn keys_are_read_as_they_are_written() {
    let identity = Identity::generate().unwrap();
    let text = identity.secret_text();
    assert_eq!(text.parse::<Identity>().unwrap().recipient(), identity.recipient());
    let recipient = identity.recipient().to_string();
    assert_eq!(recipient.parse(), Ok(identity.recipient()));
    let low_order = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";
    for bad in ["", "age1", "age1xyz", &text, &recipient.to_uppercase(), low_order] {
        assert!(bad.parse::<modelward_provenance::seal::Recipient>().is_err(), "{bad}");
    }
    for bad in ["", &text.to_lowercase(), &recipient, "AGE-SECRET-KEY-1QQ"] {
        let why = bad.parse::<Identity>().unwrap_err().to_string();
        assert!(bad.is_empty() || !why.contains(bad), "a secret is never shown");
    }
}

#[test]
fn a_file_that_ends_at_any_byte_is_broken() {
    let (lock, secret) = pair();
    let sealed = seal(&lock, false, b"weights");
    for end in 1..sealed.len() {
        let result = unseal(&secret, &sealed[..end]);
        assert!(is_broken(&result), "{end}: {result:?}");
        assert!(Opened::new(Bytes::from(&sealed[..end]), &secret).is_err());
    }
    let long = seal(&lock, false, &content(3 * CHUNK));
    for cut in [1, 16, 17, CHUNK, CHUNK + 15, CHUNK + 16, CHUNK + 17, 2 * CHUNK + 32] {
        let cut = &long[..long.len() - cut];
        assert!(is_broken(&unseal(&secret, cut)));
        assert!(is_broken(&Opened::new(Bytes::from(cut), &secret)), "before a byte is used");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_changed_bit_opens(at in any::<prop::sample::Index>(), bit in 0_u32..8, len in 0_usize..3000) {
        let (lock, secret) = pair();
        let content = content(len);
        for armor in [false, true] {
            let mut sealed = seal(&lock, armor, &content);
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            match unseal(&secret, &sealed) {
                Err(_) => {}
                // Armour takes blanks around it, and either end of line.
                Ok(same) => prop_assert!(armor && same == content && sealed[at].is_ascii_whitespace()),
            }
        }
    }

    #[test]
    fn ranges_are_slices_of_the_content(len in 1_usize..(20 * CHUNK), ranges in prop::collection::vec(
        (any::<prop::sample::Index>(), 0_usize..100_000), 1..8,
    )) {
        let (lock, secret) = pair();
        let content = content(len);
        let opened = Opened::new(Bytes::from(seal(&lock, false, &content)), &secret).unwrap();
        let bytes = Bytes::new(Arc::new(opened));
        prop_assert_eq!(bytes.len(), len as u64);
        for (start, count) in ranges {
            let start = start.index(len);
            let end = (start + count).min(len);
            let range = bytes.take(start as u64, (end - start) as u64).unwrap();
            prop_assert!(range == content[start..end]);
        }
    }

    #[test]
    fn a_chunk_at_another_place_is_broken(a in 0_usize..5, b in 0_usize..5) {
        prop_assume!(a != b);
        let (lock, secret) = pair();
        let mut sealed = seal(&lock, false, &content(5 * CHUNK));
        let start = sealed.len() - 5 * (CHUNK + 16);
        let (a, b) = (start + a.min(b) * (CHUNK + 16), start + a.max(b) * (CHUNK + 16));
        let (front, back) = sealed.split_at_mut(b);
        front[a..a + CHUNK + 16].swap_with_slice(&mut back[..CHUNK + 16]);
        prop_assert!(is_broken(&unseal(&secret, &sealed)));
    }

    #[test]
    fn folders_come_back(files in tree()) {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (name, content) in &files {
            let path = from.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        fs::create_dir(from.path().join("empty")).unwrap();
        let archive = archive(from.path());
        prop_assert!(archive == self::archive(from.path()), "the same content, the same archive");
        let whole = Content::new(&archive[..]).unwrap();
        prop_assert_eq!(whole.kind, Kind::Folder);
        let bytes = files.values().map(|content| content.len() as u64).sum();
        let done = Unpacked { files: files.len() as u64, bytes };
        prop_assert_eq!(unpack(whole, to.path(), GO_ON).unwrap(), done);
        prop_assert!(to.path().join("empty").is_dir());
        prop_assert_eq!(list(&archive[..], &mut |_, _| {}).unwrap(), done);

        let (lock, secret) = pair();
        let opened = Opened::new(Bytes::from(seal(&lock, false, &archive)), &secret).unwrap();
        let contents = Contents::new(Arc::new(opened)).unwrap();
        prop_assert!(contents.members().map(|member| member.name).eq(files.keys()));
        for (name, content) in &files {
            prop_assert_eq!(&fs::read(to.path().join(name)).unwrap(), content);
            let member = contents.member(name).unwrap();
            prop_assert_eq!(&member.bytes.take(0, member.bytes.len()).unwrap(), content);
        }
    }

    #[test]
    fn no_bytes_are_too_bad_to_be_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let (_, secret) = pair();
        prop_assert!(unseal(&secret, &bytes).is_err());
        let text = [b"age-encryption.org/v1\n-> X25519 ", &bytes[..]].concat();
        prop_assert!(unseal(&secret, &text).is_err());
        let to = tempfile::tempdir().unwrap();
        prop_assert!(unpack(&bytes[..], to.path(), GO_ON).is_err() || bytes.iter().all(|b| *b == 0));
    }
}

/// Files by name, none of which is a folder of another, nor differs from another in case only.
fn tree() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let part = prop_oneof!["[a-z0-9._ -]{1,12}f", "\u{fc}[a-z]{1,130}f", "[a-z]{200}f"];
    let name = (prop::collection::vec("[a-z]{1,20}d", 0..3), part)
        .prop_map(|(folders, name)| [&folders[..], &[name]].concat().join("/"));
    prop::collection::btree_map(name, prop::collection::vec(any::<u8>(), 0..1500), 1..12)
}

fn archive(folder: &Path) -> Vec<u8> {
    let mut archive = Vec::new();
    Folder::list(folder, Links::Refused).unwrap().write(&mut archive, GO_ON).unwrap();
    archive
}

#[test]
#[cfg(unix)]
fn only_regular_files_are_sealed() {
    use std::os::unix::{fs::symlink, net::UnixListener};
    let root = tempfile::tempdir().unwrap();
    let (folder, list) =
        (root.path().join("m"), |links| Folder::list(&root.path().join("m"), links));
    fs::create_dir(&folder).unwrap();
    assert!(list(Links::Refused).is_err(), "an empty folder");
    fs::write(folder.join("w"), b"w").unwrap();
    symlink("w", folder.join("link")).unwrap();
    assert!(list(Links::Refused).is_err());
    assert_eq!(list(Links::Followed).unwrap().files(), 2);
    symlink("..", folder.join("loop")).unwrap();
    assert!(list(Links::Followed).is_err());
    fs::remove_file(folder.join("loop")).unwrap();
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    assert!(list(Links::Followed).is_err());
    fs::remove_file(folder.join("socket")).unwrap();
    fs::write(folder.join("W"), b"W").unwrap();
    assert!(list(Links::Followed).is_err(), "names that differ in case only");
}

#[test]
fn a_signal_ends_the_work() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("w"), content(CHUNK)).unwrap();
    let archive = archive(folder.path());
    let listed = Folder::list(folder.path(), Links::Refused).unwrap();
    assert!(listed.write(&mut Vec::new(), &|| true).is_err());
    let to = tempfile::tempdir().unwrap();
    assert!(unpack(&archive[..], to.path(), &|| true).is_err());
}

/// A header of ustar, whose checksum fits.
fn member(kind: u8, name: &str, content: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[148..156].fill(b' ');
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend_from_slice(content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

#[test]
fn hostile_archives_are_refused_and_write_nothing_outside() {
    let end = [0; 1024];
    let file = |name| member(b'0', name, b"x");
    let long =
        |name: &str| [member(b'L', "././@LongLink", name.as_bytes()), file("short")].concat();
    let pax = |record: &str| [member(b'x', "p", record.as_bytes()), file("short")].concat();
    let bad = [
        file("/tmp/escape"),
        file("../escape"),
        file("a/../../escape"),
        file("a//b"),
        file(""),
        long("../escape"),
        pax("18 path=../escape\n"),
        pax("16 path=/escape\n"),
        pax("9 size=x\n"),
        pax("22 GNU.sparse.major=1\n"),
        pax("99 path=a\n"),
        pax("30 size=99999999999999999999\n"),
        [member(b'g', "g", b"9 path=a\n"), file("b")].concat(),
        member(b'1', "hard", b""),
        member(b'2', "link", b""),
        member(b'3', "device", b""),
        member(b'4', "device", b""),
        member(b'6', "pipe", b""),
        member(b'S', "sparse", b""),
        member(b'?', "unknown", b""),
        member(b'5', "folder", b"content"),
        [file("a"), file("a")].concat(),
        [file("a"), file("A")].concat(),
        [file("a"), file("a/b")].concat(),
        [file("a/b"), file("a")].concat(),
        member(b'x', "p", b"9 path=a\n"),
        member(b'0', "cut", &[b'x'; 5000])[..700].to_vec(),
        b"no archive at all".to_vec(),
    ];
    for archive in bad {
        let to = tempfile::tempdir().unwrap();
        let inner = to.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let whole = [&archive[..], &end].concat();
        let result = unpack(&whole[..], &inner, GO_ON);
        assert!(
            is_broken(&result),
            "{result:?}: {}",
            String::from_utf8_lossy(&archive[..100.min(archive.len())])
        );
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 1);
    }
    let to = tempfile::tempdir().unwrap();
    let good = [
        member(b'5', "./", b""),
        file("./a"),
        member(b'5', "d/", b""),
        long("d/long"),
        pax("14 path=d/pax\n"),
    ];
    let good = [&good.concat()[..], &end].concat();
    assert_eq!(unpack(&good[..], to.path(), GO_ON).unwrap().files, 3);
    assert!(is_broken(&unpack(&good[..good.len() - 1024], &to.path().join("x"), GO_ON)), "no end");
    let more = [&good[..], &file("hidden")].concat();
    assert!(is_broken(&unpack(&more[..], &to.path().join("y"), GO_ON)), "more after the end");
}
