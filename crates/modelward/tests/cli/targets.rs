//! What the user may point at, and what lies in wait there.

use std::{fs, io::Write, process::Stdio};

use crate::{Bench, HARMFUL, HARMLESS, Run};

fn whys(report: &serde_json::Value) -> Vec<String> {
    let unread = report["unread"].as_array().unwrap().iter();
    unread.map(|gap| format!("{}: {}", gap["place"]["path"], gap["why"])).collect()
}

#[test]
fn a_missing_path_is_named_and_the_rest_is_read() {
    let bench = Bench::new();
    bench.file("good.pkl", HARMLESS);
    let run = bench.run(&["scan", "gone.pkl", "good.pkl"]);
    assert_eq!(run.code, 2);
    assert!(run.err.starts_with("error: cannot read `gone.pkl`: no such file"), "{run:?}");
    assert!(run.err.contains("\n  --> gone.pkl\n   = help: "), "{run:?}");
    assert!(run.out.contains("1 file read, 1 unread"), "{run:?}");
}

#[test]
fn an_empty_folder_proves_nothing() {
    let bench = Bench::new();
    fs::create_dir(bench.path("empty")).unwrap();
    let report = bench.report(&["empty"]);
    assert_eq!(report["verdict"], "unread");
    assert!(whys(&report)[0].contains("expected files, found none"), "{report}");
}

#[test]
fn standard_input_is_a_target() {
    let bench = Bench::new();
    bench.file("bad.pkl", HARMFUL);
    let mut piped = bench.command(&["scan", "-"]);
    let mut child = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(HARMFUL).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
    let file = fs::File::open(bench.path("bad.pkl")).unwrap();
    let redirected = bench.command(&["scan", "-"]).stdin(file).output().unwrap();
    assert_eq!(redirected.status.code(), Some(1));
}

#[test]
fn more_on_standard_input_than_the_memory_is_a_limit_that_was_hit() {
    let bench = Bench::new();
    let mut piped = bench.command(&["scan", "--max-memory", "10", "-"]);
    let mut child = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(HARMFUL).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("medium[MW0106]") && text.contains("save it to a file"), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn files_of_git_are_left_out_by_content_and_hooks_are_read() {
    let bench = Bench::new();
    let object = "0123456789abcdef0123456789abcdef012345";
    bench.file("good.pkl", HARMLESS);
    bench.file(format!(".git/objects/ab/{object}"), b"\x78\x01 deflated");
    bench.file(".git/hooks/pre-commit.sample", b"#!/bin/sh\n");
    let report = bench.report(&["."]);
    assert_eq!(report["counts"]["files"], 1, "{report}");
    assert!(report["skipped"][0]["why"].as_str().unwrap().starts_with("2 files of git's own"));
    // The name of an object does not make one.
    bench.file(format!(".git/objects/cd/{object}"), HARMFUL);
    bench.file(".git/hooks/pre-commit", b"#!/bin/sh\necho\n");
    let report = bench.report(&["."]);
    assert_eq!((&report["counts"]["files"], &report["verdict"]), (&3.into(), &"denied".into()));
}

#[test]
fn nothing_on_standard_input_is_no_harmless_file() {
    let bench = Bench::new();
    bench.file("nothing", b"");
    let empty = fs::File::open(bench.path("nothing")).unwrap();
    for input in [Stdio::null(), Stdio::from(empty)] {
        let run = Run::of(bench.command(&["scan", "-"]).stdin(input).output().unwrap());
        assert_eq!(run.code, 3, "{run:?}");
        let words = "unread  -: expected a file on standard input, got nothing\n";
        assert!(run.out.contains(words) && run.out.contains("0 files read"), "{run:?}");
    }
    let run = bench.run(&["scan", "-", "-"]);
    assert!(run.code == 2 && run.err.contains("standard input can be read once"), "{run:?}");
    assert_eq!(bench.report(&["nothing"])["verdict"], "clean");
}

#[test]
fn what_is_named_twice_is_read_once() {
    let bench = Bench::new();
    bench.file("model/bad.pkl", HARMFUL).file("model/good.pkl", HARMLESS);
    bench.file("model/config.json", br#"{"auto_map": {"AutoModel": "gone.X"}}"#);
    let once = bench.report(&["model"]);
    for (targets, again) in [
        (&["model/bad.pkl", "model/bad.pkl", "model"][..], 2),
        (&["model", "."], 1),
        (&["model/", "model", "model/../model"], 2),
    ] {
        let report = bench.report(targets);
        for what in ["files", "findings", "unread"] {
            assert_eq!(report["counts"][what], once["counts"][what], "{what} of {targets:?}");
        }
        assert_eq!(report["skipped"].as_array().unwrap().len(), again, "{report}");
    }
}

#[test]
fn a_module_that_is_not_there_is_a_file_of_the_folder() {
    let bench = Bench::new();
    bench.file("model/sub/config.json", br#"{"auto_map": {"AutoModel": "gone.X"}}"#);
    let report = bench.report(&["model"]);
    let place = serde_json::json!({"path": "sub/gone.py", "inside": []});
    assert_eq!(report["unread"][0]["place"], place, "{report}");
    let run = bench.run(&["scan", "model"]);
    assert!(run.out.contains("unread  model/sub/gone.py: `sub/config.json` names"), "{run:?}");
}

#[test]
fn findings_stand_in_the_order_of_the_file() {
    let bench = Bench::new();
    let many = [&b"(cos\nsystem\n0cmy.package\nSettings\n)R"[..], &HARMFUL[..HARMFUL.len() - 1]];
    bench.file("bad.pkl", &[&many.concat()[..], b"l."].concat());
    let report = bench.report(&["bad.pkl"]);
    let found = report["findings"].as_array().unwrap().iter();
    let at = found.map(|finding| finding["place"]["at"].as_u64()).collect::<Vec<_>>();
    assert!(at.len() > 1 && at.is_sorted(), "{report}");
}

#[test]
fn a_limit_of_less_than_a_second_is_told_as_it_is() {
    let bench = Bench::new();
    bench.file("long.pkl", &[&b"(K\x01".repeat(3_000_000)[..], b"."].concat());
    let run = bench.run(&["scan", "--max-time", "1ms", "long.pkl"]);
    assert!(run.out.contains("more than the limit of 0.001 seconds"), "{run:?}");
}

#[test]
fn an_address_is_answered_with_what_to_do() {
    let bench = Bench::new();
    let run = bench.run(&["scan", "https://example.org/m.pkl"]);
    assert_eq!(run.code, 2);
    let help = "`curl -sSfL https://example.org/m.pkl | modelward scan -`\n";
    assert!(run.err.contains(help) && !run.err.contains("other targets"), "{run:?}");
}

#[cfg(unix)]
mod unix {
    use std::{
        ffi::OsStr,
        os::unix::{ffi::OsStrExt, fs::symlink, net::UnixListener},
        process::Command,
    };

    use super::*;

    #[test]
    fn a_pipe_or_a_socket_is_never_opened() {
        let bench = Bench::new();
        bench.file("good.pkl", HARMLESS);
        let made = Command::new("mkfifo").arg(bench.path("pipe.pkl")).status().unwrap();
        assert!(made.success());
        let _socket = UnixListener::bind(bench.path("socket.pkl")).unwrap();
        let report = bench.report(&["."]);
        assert_eq!((&report["verdict"], whys(&report).len()), (&"unread".into(), 2), "{report}");
        assert_eq!(report["unread"][0]["rule"], "MW0006");
        assert_eq!(bench.run(&["scan", "pipe.pkl"]).code, 3);
        let run = bench.run(&["scan", "/dev/null"]);
        let why = "unread  /dev/null: a pipe, a socket or a device, which is never opened\n";
        assert!(run.code == 3 && run.out.contains(why), "{run:?}");
    }

    #[test]
    fn an_unreadable_file_is_a_gap_and_the_rest_is_read() {
        use std::os::unix::fs::PermissionsExt;
        let bench = Bench::new();
        bench.file("good.pkl", HARMLESS).file("shut.pkl", HARMLESS);
        fs::set_permissions(bench.path("shut.pkl"), fs::Permissions::from_mode(0o000)).unwrap();
        if fs::File::open(bench.path("shut.pkl")).is_ok() {
            return; // The superuser opens everything.
        }
        let report = bench.report(&["."]);
        assert_eq!(report["unread"][0]["rule"], "MW0007", "{report}");
        assert_eq!(report["counts"]["files"], 2);
        assert!(bench.run(&["scan", "."]).out.contains("1 file read, 1 unread"));
    }

    #[test]
    fn paths_that_are_not_text_are_told_apart() {
        let bench = Bench::new();
        bench.file(OsStr::from_bytes(b"bad\xff.pkl"), HARMFUL);
        bench.file(OsStr::from_bytes(b"bad\xfe.pkl"), HARMFUL);
        bench.file("bad\\xff.pkl", HARMLESS);
        let report = bench.report(&["."]);
        let paths = report["files"].as_array().unwrap().iter();
        let paths = paths.map(|file| file["path"].as_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(paths, ["bad\\x5cxff.pkl", "bad\\xfe.pkl", "bad\\xff.pkl"]);
        let run = bench.command(&["scan"]).arg(OsStr::from_bytes(b"bad\xff.pkl")).output().unwrap();
        assert_eq!(run.status.code(), Some(1));
    }

    #[test]
    fn a_name_cannot_rewrite_the_screen() {
        let bench = Bench::new();
        bench.file("\x1b[2J\u{202e}bad.pkl", HARMFUL);
        let run = bench.run(&["scan", "--color", "never", "."]);
        assert!(run.out.contains("\\u{1b}[2J\\u{202e}bad.pkl"), "{run:?}");
        assert!(!run.out.contains('\x1b') && !run.out.contains('\u{202e}'));
    }

    #[test]
    fn links_inside_are_followed_and_links_out_are_gaps() {
        let bench = Bench::new();
        bench.file("model/good.pkl", HARMLESS).file("outside.pkl", HARMFUL);
        symlink("good.pkl", bench.path("model/alias.pkl")).unwrap();
        symlink("../outside.pkl", bench.path("model/out.pkl")).unwrap();
        symlink("nowhere", bench.path("model/broken.pkl")).unwrap();
        let report = bench.report(&["model"]);
        assert_eq!(report["counts"]["files"], 2, "{report}");
        let whys = whys(&report);
        assert!(whys[0].contains("a link that leads nowhere"), "{whys:?}");
        assert!(whys[1].contains("a link out of the target"), "{whys:?}");
        assert_eq!(report["verdict"], "unread");
    }

    #[test]
    fn a_target_that_is_a_link_to_nothing_is_named() {
        let bench = Bench::new();
        symlink("nowhere", bench.path("broken")).unwrap();
        symlink("round", bench.path("round")).unwrap();
        for (link, next) in [("broken", "nowhere"), ("round", "round")] {
            let run = bench.run(&["scan", link]);
            let help = format!("help: it is a link to `{next}`; point modelward at the file");
            assert!(run.code == 2 && run.err.contains(&help), "{run:?}");
        }
    }

    #[test]
    fn a_second_name_is_read_for_what_it_is_called() {
        let bench = Bench::new();
        bench.file("good.pkl", HARMLESS);
        symlink("good.pkl", bench.path("model.safetensors")).unwrap();
        let report = bench.report(&["good.pkl", "model.safetensors", "./good.pkl"]);
        assert_eq!(report["counts"]["files"], 2, "{report}");
        assert_eq!(report["skipped"].as_array().unwrap().len(), 1, "{report}");
    }

    #[test]
    fn link_cycles_end() {
        let bench = Bench::new();
        bench.file("model/a/good.pkl", HARMLESS).file("model/b/good.pkl", HARMLESS);
        symlink("..", bench.path("model/a/up")).unwrap();
        symlink(".", bench.path("model/self")).unwrap();
        symlink("loop", bench.path("model/loop")).unwrap();
        for (from, to) in [("a", "b"), ("b", "a")] {
            for i in 0..8 {
                symlink(format!("../{to}"), bench.path(&format!("model/{from}/{i}"))).unwrap();
            }
        }
        let report = bench.report(&["model"]);
        assert_eq!(report["counts"]["files"], 2, "{report}");
        assert_eq!(report["skipped"].as_array().unwrap().len(), 18);
        assert_eq!(whys(&report).len(), 1, "{report}");
    }

    #[test]
    fn the_cache_of_hugging_face_is_read_under_the_names_of_its_snapshots() {
        let bench = Bench::new();
        let blob = "8f2b0ad5ba7fbd3d9e4e0c4e1d5f0c3f8f2b0ad5ba7fbd3d9e4e0c4e1d5f0c3f";
        bench.file(format!("models--o--n/blobs/{blob}"), HARMFUL);
        bench.file("models--o--n/snapshots/rev/config.json", b"{}");
        let link = bench.path("models--o--n/snapshots/rev/pytorch_model.bin");
        symlink(format!("../../blobs/{blob}"), link).unwrap();
        for (target, file, files) in [
            ("models--o--n/snapshots/rev", "pytorch_model.bin", 2),
            ("models--o--n", "snapshots/rev/pytorch_model.bin", 2),
            ("models--o--n/snapshots/rev/pytorch_model.bin", "pytorch_model.bin", 1),
        ] {
            let report = bench.report(&[target]);
            assert_eq!(report["counts"]["files"], files, "{report}");
            assert_eq!(report["verdict"], "denied", "{report}");
            let path = report["findings"][0]["place"]["path"].as_str().unwrap();
            assert!(path.ends_with(file), "{report}");
            assert_eq!(report["unread"].as_array().unwrap().len(), 0, "{report}");
        }
        // A link out of the cache folder of the repository is still a link out.
        bench.file("other.pkl", HARMLESS);
        symlink("../../../other.pkl", bench.path("models--o--n/snapshots/rev/x.pkl")).unwrap();
        let report = bench.report(&["models--o--n/snapshots/rev"]);
        assert_eq!(report["unread"][0]["rule"], "MW0006", "{report}");
    }
}
