#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of the tests' own"
)]

use std::{fs, path::Path};

use proptest::prelude::*;

use super::{diff::Side, *};
use crate::digest::of;

fn options() -> Options {
    Options { contents: true, threads: 1, ..Options::default() }
}

fn read(path: &Path) -> Manifest {
    Manifest::of(path, &options()).unwrap()
}

/// A file of safetensors with tensors of floats.
fn safetensors(tensors: &[(&str, &[f32])]) -> Vec<u8> {
    let (mut header, mut data) = (Vec::new(), Vec::new());
    for (name, numbers) in tensors {
        let start = data.len();
        data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        header.push(format!(
            "\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{}],\"data_offsets\":[{start},{}]}}",
            numbers.len(),
            data.len()
        ));
    }
    let header = format!("{{{}}}", header.join(","));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

/// A Parquet file of one column chunk for each row group, at these ranges, three rows each.
fn parquet(groups: &[(u8, u8)], data: &[u8; 40]) -> Vec<u8> {
    let chunks = groups.iter().map(|(start, length)| {
        let metadata = [0x76, length * 2, 0x26, start * 2, 0];
        [&[0x19, 0x1c, 0x3c][..], &metadata, &[0, 0x26, 6, 0]].concat()
    });
    let count = groups.len() as u8;
    let head = [0x36, count * 6, 0x19, count << 4 | 0xc];
    let footer = [&head[..], &chunks.collect::<Vec<_>>().concat(), &[0]].concat();
    let length = (footer.len() as u32).to_le_bytes();
    [b"PAR1", &data[..], &footer, &length, b"PAR1"].concat()
}

fn compare(old: &Path, new: &Path) -> diff::Comparison {
    let side = |path| Side::open(path, &options()).unwrap();
    diff::compare(&side(old), &side(new), &options())
}

#[test]
fn digests_are_those_of_the_bytes_and_threads_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("a")).unwrap();
    fs::create_dir(path.join(".git")).unwrap();
    fs::write(path.join(".git/config"), "x").unwrap();
    let floats = (0..200_000).map(|n| n as f32).collect::<Vec<_>>();
    let weights = safetensors(&[("w", &floats), ("v", &[1.0, 2.0]), ("none", &[])]);
    fs::write(path.join("a/w.safetensors"), &weights).unwrap();
    fs::write(path.join("a-b"), "text").unwrap();
    let manifest = read(path);
    let names = manifest.files.iter().map(|file| &*file.path).collect::<Vec<_>>();
    assert_eq!((names, &*manifest.unread), (vec!["a-b", "a/w.safetensors"], &[][..]));
    let file = manifest.file("a/w.safetensors").unwrap();
    assert_eq!(file.sha256, of(Function::Sha256, &weights));
    assert_eq!(file.blake3, of(Function::Blake3, &weights));
    let concat = manifest.files.iter().flat_map(|file| file.sha256.bytes().to_vec());
    assert_eq!(manifest.root(), of(Function::Sha256, &concat.collect::<Vec<_>>()));
    let tensors = &manifest.contents.as_ref().unwrap().tensors;
    let data = floats.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    let expected = [b"modelward-tensor/v1\nf32\n200000\n".as_slice(), &data].concat();
    let found = tensors.iter().find(|tensor| tensor.name == "w").unwrap();
    assert_eq!(found.sha256, of(Function::Sha256, &expected));
    for threads in [2, 8] {
        let again = Manifest::of(path, &Options { threads, ..options() }).unwrap();
        assert_eq!(again.json(), manifest.json());
    }
    assert_eq!(Manifest::parse(manifest.json().as_bytes()).unwrap(), manifest);
}

#[test]
fn tensors_that_share_bytes_each_have_their_digest() {
    let header = r#"{"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},"b":{"dtype":"U8","shape":[4],"data_offsets":[1,5]},"c":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},"d":{"dtype":"I8","shape":[6],"data_offsets":[0,6]},"e":{"dtype":"U8","shape":[2],"data_offsets":[6,8]}}"#;
    let data = [1, 2, 3, 4, 5, 6, 7, 8];
    let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("w"), bytes).unwrap();
    let manifest = read(folder.path());
    for (tensor, (kind, part)) in manifest.contents.unwrap().tensors.iter().zip([
        ("u8", &data[..6]),
        ("u8", &data[1..5]),
        ("u8", &data[..6]),
        ("i8", &data[..6]),
        ("u8", &data[6..]),
    ]) {
        let head = format!("modelward-tensor/v1\n{kind}\n{}\n", part.len());
        assert_eq!(tensor.sha256, of(Function::Sha256, &[head.as_bytes(), part].concat()));
    }
}

#[test]
fn row_groups_have_digests_in_any_order_of_their_bytes() {
    let mut data = [0; 40];
    data.iter_mut().enumerate().for_each(|(at, byte)| *byte = at as u8);
    let folder = tempfile::tempdir().unwrap();
    // In order, in reverse, and over one another.
    for groups in [[(4, 10), (14, 5)], [(14, 5), (4, 10)], [(4, 10), (8, 20)]] {
        let bytes = parquet(&groups, &data);
        fs::write(folder.path().join("d.parquet"), &bytes).unwrap();
        let manifest = read(folder.path());
        assert_eq!(manifest.unread, []);
        for (group, (start, length)) in manifest.contents.unwrap().row_groups.iter().zip(groups) {
            let chunk = &bytes[usize::from(start)..usize::from(start + length)];
            let count = u64::from(length).to_le_bytes();
            let all = [b"modelward-row-group/v1\n", &count[..], chunk].concat();
            assert_eq!((group.rows, group.bytes), (3, u64::from(length)));
            assert_eq!(group.sha256, of(Function::Sha256, &all));
        }
    }
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(old.path().join("d"), parquet(&[(4, 10), (14, 5)], &data)).unwrap();
    data[11] ^= 1;
    fs::write(new.path().join("d"), parquet(&[(4, 10), (14, 5)], &data)).unwrap();
    let groups = compare(old.path(), new.path()).row_groups;
    assert_eq!(groups.iter().map(|group| group.index).collect::<Vec<_>>(), [1]);
}

#[test]
fn moved_and_renamed_things_are_told_from_changed_ones() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let write =
        |folder: &Path, name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write(old.path(), "same", b"same");
    write(new.path(), "same", b"same");
    write(old.path(), "from", b"moved");
    write(new.path(), "to", b"moved");
    write(old.path(), "gone", b"gone");
    write(new.path(), "fresh", b"fresh");
    let before = safetensors(&[("a", &[1.0]), ("b", &[2.0]), ("c", &[3.0]), ("d", &[4.0])]);
    let after = safetensors(&[("a", &[1.0]), ("z", &[2.0]), ("c", &[5.0]), ("e", &[6.0])]);
    write(old.path(), "w", &before);
    write(new.path(), "w", &after);
    let comparison = compare(old.path(), new.path());
    assert_eq!(comparison.moved, [("from".to_owned(), "to".to_owned())]);
    assert_eq!((comparison.removed, comparison.added), (vec!["gone".into()], vec!["fresh".into()]));
    let tensors = comparison.tensors;
    let names =
        |list: &[diff::Named]| list.iter().map(|named| named.name.clone()).collect::<Vec<_>>();
    assert_eq!((&*tensors.renamed[0].0.name, &*tensors.renamed[0].1.name), ("b", "z"));
    assert_eq!(
        (names(&tensors.removed), names(&tensors.added)),
        (vec!["d".into()], vec!["e".into()])
    );
    let [pair] = &*tensors.changed else { panic!() };
    let place = pair.place.as_ref().unwrap();
    assert_eq!((&*pair.old.name, &*place.old, &*place.new), ("c", "3", "5"));
    assert!(!compare(old.path(), old.path()).differs());
}

#[test]
fn a_manifest_that_lies_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "1").unwrap();
    fs::write(folder.path().join("b"), safetensors(&[("w", &[1.0])])).unwrap();
    let text = read(folder.path()).json();
    let one = of(Function::Sha256, b"1").to_string();
    for (from, to) in [
        (one.as_str(), &one.to_uppercase()[..]),
        (&one, &of(Function::Sha256, b"2").to_string()),
        ("\"path\":\"a\"", "\"path\":\"../a\""),
        ("\"path\":\"a\"", "\"path\":\"c\""),
        ("\"schema\":1", "\"schema\":2"),
        ("\"schema\":1", "\"schema\":1,\"schema\":1"),
        ("\"bytes\":1,", "\"bytes\":-1,"),
        ("\"unread\"", "\"other\""),
        ("\"row_groups\":[],", ""),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert!(Manifest::parse(changed.as_bytes()).is_err(), "{from} -> {to}");
    }
    assert!(Manifest::parse(format!("{text}x").as_bytes()).is_err());
}

#[test]
fn a_saved_manifest_stands_for_its_model() {
    let (folder, saved) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("w"), safetensors(&[("w", &[1.0, 2.0])])).unwrap();
    let file = saved.path().join("m.json");
    fs::write(&file, read(folder.path()).json()).unwrap();
    assert!(!compare(&file, folder.path()).differs());
    fs::write(folder.path().join("w"), safetensors(&[("w", &[1.0, 3.0])])).unwrap();
    let comparison = compare(&file, folder.path());
    let [pair] = &*comparison.tensors.changed else { panic!() };
    assert!(pair.old.name == "w" && pair.place.is_none());
}

#[test]
fn what_is_not_read_is_told_unless_the_file_is_the_same() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut bytes = safetensors(&[("w", &[1.0, 2.0])]);
    let end = bytes.len() - 4;
    bytes.truncate(end);
    fs::write(old.path().join("w"), &bytes).unwrap();
    let manifest = read(old.path());
    assert!(manifest.contents.as_ref().unwrap().tensors.is_empty());
    assert_eq!(manifest.unread[0].part.as_deref(), Some("w"));
    assert!(compare(old.path(), old.path()).unread.is_empty());
    bytes.truncate(end - 1);
    fs::write(new.path().join("w"), &bytes).unwrap();
    let comparison = compare(old.path(), new.path());
    assert!(comparison.differs() && comparison.unread.len() == 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_flipped_bit_is_located(
        sizes in prop::collection::vec(1_usize..40, 1..5),
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0_u32..32,
    ) {
        let names = (0..sizes.len()).map(|n| format!("t{n}")).collect::<Vec<_>>();
        let mut values = sizes.iter().map(|&size| vec![1.5_f32; size]).collect::<Vec<_>>();
        let bytes = |values: &[Vec<f32>]| {
            let pairs = names.iter().zip(values).map(|(name, value)| (&**name, &**value));
            safetensors(&pairs.collect::<Vec<_>>())
        };
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(old.path().join("w"), bytes(&values)).unwrap();
        let (tensor, element) = (which.index(sizes.len()), at.index(sizes[which.index(sizes.len())]));
        let number = &mut values[tensor][element];
        *number = f32::from_bits(number.to_bits() ^ 1 << bit);
        let changed = *number;
        fs::write(new.path().join("w"), bytes(&values)).unwrap();
        let comparison = compare(old.path(), new.path());
        prop_assert_eq!(comparison.changed[0].place.as_ref().unwrap().count, 1);
        prop_assert_eq!(comparison.tensors.changed.len(), 1);
        let pair = &comparison.tensors.changed[0];
        let place = pair.place.as_ref().unwrap();
        prop_assert_eq!((&pair.old.name, &pair.new.name), (&names[tensor], &names[tensor]));
        prop_assert_eq!((&*place.index, place.count), (&[element as u64][..], 1));
        prop_assert_eq!((&*place.old, &*place.new), ("1.5", &*changed.to_string()));
    }

    #[test]
    fn no_manifest_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Manifest::parse(&bytes);
    }
}
