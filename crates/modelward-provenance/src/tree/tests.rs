use super::*;

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn names(tree: &Tree) -> Vec<&str> {
    tree.files.iter().map(|file| file.name.as_str()).collect()
}

fn list(folder: &Path) -> Tree {
    let exclusions = DEFAULT_EXCLUSIONS.map(ToOwned::to_owned).into();
    Tree::list(folder, &Options { exclusions, ..Options::default() }).unwrap()
}

#[test]
fn files_are_named_from_the_model_down_and_sorted_by_code_point() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a/b", "a-x", "Z", ".git/config", ".gitignore", "sub/.gitignore", "sub/.git/x"] {
        write(folder.path(), name, b"1");
    }
    fs::create_dir(folder.path().join("empty")).unwrap();
    let tree = list(folder.path());
    assert_eq!(names(&tree), ["Z", "a-x", "a/b", "sub/.git/x", "sub/.gitignore"]);
    assert_eq!(tree.excluded, [".git", ".gitignore"]);
    assert!(tree.find("a-x").is_some() && tree.find("a").is_none());
}

#[test]
fn exclusions_are_exact_paths_with_what_lies_below() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sub/a", "sub/deep/b", "subway", "a.txt", "sub2/a.txt"] {
        write(folder.path(), name, b"1");
    }
    let exclusions = ["sub", "a.txt"].map(ToOwned::to_owned).into();
    let tree = Tree::list(folder.path(), &Options { exclusions, ..Options::default() }).unwrap();
    assert_eq!(names(&tree), ["sub2/a.txt", "subway"]);
}

#[test]
fn a_model_may_be_one_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "model.bin", b"1");
    let tree = list(&folder.path().join("model.bin"));
    assert_eq!((names(&tree), tree.single), (vec!["model.bin"], true));
    assert!(Tree::list(&folder.path().join("none"), &Options::default()).is_err());
}

#[cfg(unix)]
mod unix {
    use std::{
        ffi::OsStr,
        os::unix::{ffi::OsStrExt, fs::symlink},
    };

    use super::*;

    fn odd(tree: &Tree) -> Vec<(&str, &Oddity)> {
        tree.odd.iter().map(|odd| (odd.name.as_str(), &odd.what)).collect()
    }

    #[test]
    fn the_signature_is_left_out_by_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", b"1");
        write(folder.path(), "model.sig", b"2");
        let without = identity(&folder.path().join("model.sig")).into_iter().collect();
        let options = Options { without, ..Options::default() };
        fs::hard_link(folder.path().join("model.sig"), folder.path().join("again")).unwrap();
        assert_eq!(names(&Tree::list(folder.path(), &options).unwrap()), ["a"]);
    }

    #[test]
    fn links_are_followed_only_where_that_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let (model, other) = (folder.path().join("model"), folder.path().join("other"));
        write(&model, "real.bin", b"1");
        write(&model, "deep/a", b"2");
        write(&other, "x", b"3");
        symlink("real.bin", model.join("link")).unwrap();
        symlink("../other/x", model.join("out")).unwrap();
        symlink("none", model.join("broken")).unwrap();
        symlink("..", model.join("deep/up")).unwrap();
        symlink("deep", model.join("folder")).unwrap();
        let strict = list(&model);
        assert_eq!(names(&strict), ["deep/a", "real.bin"]);
        assert_eq!(
            odd(&strict),
            [
                ("broken", &Oddity::Broken("none".into())),
                ("deep/up", &Oddity::Link("..".into())),
                ("folder", &Oddity::Link("deep".into())),
                ("link", &Oddity::Link("real.bin".into())),
                ("out", &Oddity::Escape("../other/x".into())),
            ]
        );
        let options = Options { follow: true, ..Options::default() };
        let followed = Tree::list(&model, &options).unwrap();
        assert_eq!(names(&followed), ["deep/a", "folder/a", "link", "out", "real.bin"]);
        assert_eq!(
            odd(&followed),
            [
                ("broken", &Oddity::Broken("none".into())),
                ("deep/up", &Oddity::Cycle("..".into())),
                ("folder/up", &Oddity::Cycle("..".into())),
                ("out", &Oddity::Outside("../other/x".into())),
            ]
        );
    }

    #[test]
    fn what_is_no_file_is_never_opened() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", b"1");
        let pipe = folder.path().join("pipe");
        std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        let name = OsStr::from_bytes(b"n\xff");
        fs::write(folder.path().join(name), b"1").unwrap();
        let tree = list(folder.path());
        assert_eq!(names(&tree), ["a"]);
        let odd = odd(&tree);
        let expected = [
            ("n\\xff", &Oddity::NotUtf8),
            ("pipe", &Oddity::Special),
            ("socket", &Oddity::Special),
        ];
        assert_eq!(odd, expected);
        // A pipe that takes the place of a listed file is not opened either.
        fs::remove_file(folder.path().join("a")).unwrap();
        std::process::Command::new("mkfifo").arg(folder.path().join("a")).status().unwrap();
        assert!(open::open(&tree.files[0]).is_err());
    }

    #[test]
    fn links_of_a_snapshot_into_its_blobs_are_files() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("models--org--tiny");
        let blob = "ab".repeat(32);
        write(&cache, &format!("blobs/{blob}"), b"1");
        write(folder.path(), "secret", b"2");
        let snapshot = cache.join("snapshots/0123");
        fs::create_dir_all(&snapshot).unwrap();
        symlink(format!("../../blobs/{blob}"), snapshot.join("model.bin")).unwrap();
        symlink("../../../secret", snapshot.join("out.bin")).unwrap();
        let tree = list(&snapshot);
        assert_eq!(names(&tree), ["model.bin"]);
        assert_eq!(tree.files[0].blob, Some(cache::Blob::Sha256([0xab; 32])));
        assert_eq!(odd(&tree), [("out.bin", &Oddity::Escape("../../../secret".into()))]);
        let single = list(&snapshot.join("model.bin"));
        assert_eq!(names(&single), ["model.bin"]);
        // Blobs that are themselves a link are another folder's files.
        fs::rename(cache.join("blobs"), folder.path().join("elsewhere")).unwrap();
        symlink("../elsewhere", cache.join("blobs")).unwrap();
        assert_eq!(names(&list(&snapshot)), [""; 0]);
    }
}

#[cfg(unix)]
#[test]
fn folders_that_lead_to_each_other_in_many_ways_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for at in 0..30 {
        let here = folder.path().join(format!("d{at}"));
        fs::create_dir(&here).unwrap();
        for name in ["a", "b"] {
            std::os::unix::fs::symlink(format!("../d{}", at + 1), here.join(name)).unwrap();
        }
    }
    fs::create_dir(folder.path().join("d30")).unwrap();
    let options = Options { follow: true, ..Options::default() };
    assert!(Tree::list(folder.path(), &options).unwrap_err().to_string().contains("found more"));
}
