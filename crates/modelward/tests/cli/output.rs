//! Where reports go, and that nothing is left half-written.

use std::fs;

use crate::{Bench, HARMFUL};

#[test]
fn each_form_is_written_into_the_folder() {
    let bench = Bench::new();
    bench.file("bad.pkl", HARMFUL);
    let run = bench.run(&[
        "scan", "--format", "plain", "--format", "json", "--format", "sarif", "--format", "html",
        "-o", "reports", "bad.pkl",
    ]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    for (file, start) in [
        ("report.txt", "critical["),
        ("report.json", "{\n  \"schema\": 1"),
        ("report.sarif", "{\n  \"$schema\""),
        ("report.html", "<!doctype html>"),
    ] {
        let text = fs::read_to_string(bench.path("reports").join(file)).unwrap();
        assert!(text.starts_with(start), "{file}: {text}");
    }
    assert_eq!(fs::read_dir(bench.path("reports")).unwrap().count(), 4, "nothing else is left");
}

#[test]
fn a_report_that_cannot_be_written_leaves_the_old_one_and_nothing_else() {
    let bench = Bench::new();
    bench.file("bad.pkl", HARMFUL).file("out/report.json", b"old");
    let run = bench.run(&["scan", "--format", "json", "-o", "out", "bad.pkl"]);
    assert!(run.code == 2 && run.err.contains("expected a file, found the folder"), "{run:?}");
    let run = bench.run(&["scan", "-o", "gone/report.txt", "bad.pkl"]);
    assert!(run.code == 2 && run.err.contains("cannot write `gone/report.txt`"), "{run:?}");
    assert_eq!(fs::read(bench.path("out/report.json")).unwrap(), b"old");
    assert_eq!(fs::read_dir(bench.path("out")).unwrap().count(), 1);
    let run = bench.run(&["scan", "--format", "json", "-o", "out/report.json", "bad.pkl"]);
    assert_eq!(run.code, 1);
    assert!(fs::read(bench.path("out/report.json")).unwrap().starts_with(b"{"));
    assert_eq!(fs::read_dir(bench.path("out")).unwrap().count(), 1);
}

#[test]
fn a_quiet_run_of_a_clean_target_says_nothing() {
    let bench = Bench::new();
    bench.file("good.pkl", crate::HARMLESS);
    let run = bench.run(&["scan", "--quiet", "good.pkl"]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (0, "", ""));
}

#[cfg(unix)]
#[test]
fn a_new_report_has_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    bench.file("bad.pkl", HARMFUL);
    bench.run(&["scan", "-o", "report.txt", "bad.pkl"]);
    let mode = |name: &str| fs::metadata(bench.path(name)).unwrap().permissions().mode();
    assert_eq!(mode("report.txt"), mode("bad.pkl"));
}

#[test]
fn a_quiet_run_writes_the_files_that_it_is_asked_for() {
    let bench = Bench::new();
    bench.file("good.pkl", crate::HARMLESS);
    let run = bench.run(&["scan", "-q", "-o", "report.txt", "good.pkl"]);
    assert_eq!((run.code, run.out.as_str()), (0, ""));
    assert!(fs::read_to_string(bench.path("report.txt")).unwrap().contains("1 file read"));
    let forms = ["scan", "-q", "--format", "plain,JSON", "--format", "json", "-o", "out"];
    assert_eq!(bench.run(&[&forms[..], &["good.pkl"]].concat()).code, 0);
    assert!(bench.path("out/report.txt").exists() && bench.path("out/report.json").exists());
    assert_eq!(bench.run(&["scan", "-q", "-o", "-", "good.pkl"]).out, "");
}

#[test]
fn a_form_that_is_named_twice_is_one_form_and_a_dash_is_standard_output() {
    let bench = Bench::new();
    bench.file("good.pkl", crate::HARMLESS);
    let run = bench.run(&["scan", "--format", "json", "--format=Json,json", "-o", "-", "good.pkl"]);
    assert!(run.code == 0 && run.out.starts_with("{\n  \"schema\": 1"), "{run:?}");
    assert!(!bench.path("-").exists());
}

#[test]
fn a_report_never_takes_the_place_of_what_is_scanned() {
    let bench = Bench::new();
    bench.file("model/report.json", HARMFUL).file("bad.pkl", HARMFUL);
    for arguments in [
        &["-o", "bad.pkl", "bad.pkl"][..],
        &["-o", "./model/../bad.pkl", "bad.pkl"],
        &["-o", "model/report.json", "model"],
        &["-o", "report.html", "report.html"],
        &["--format", "json,html", "-o", "model", "model/report.json"],
        &["--format", "json,html", "-o", "model", "."],
    ] {
        let run = bench.run(&[&["scan"], arguments].concat());
        assert!(run.code == 2 && run.out.is_empty(), "{arguments:?}: {run:?}");
        assert!(run.err.contains("which is a file of the target `"), "{arguments:?}: {run:?}");
    }
    for file in ["bad.pkl", "model/report.json"] {
        assert_eq!(fs::read(bench.path(file)).unwrap(), HARMFUL);
    }
    // A new file in the folder is in nobody's place.
    assert_eq!(bench.run(&["scan", "-o", "model/new.txt", "model"]).code, 1);
    assert!(bench.path("model/new.txt").exists());
}

#[test]
fn the_exit_code_that_sarif_tells_is_the_real_one() {
    let bench = Bench::new();
    bench.file("bad.pkl", HARMFUL).file("good.pkl", crate::HARMLESS).file("odd", crate::NOTHING);
    for targets in [&["good.pkl"][..], &["bad.pkl"], &["odd"], &["gone.pkl", "bad.pkl"]] {
        let run = bench.run(&[&["scan", "--format", "sarif"], targets].concat());
        let log: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        let told = &log["runs"][0]["invocations"][0];
        assert_eq!(told["exitCode"], run.code, "{targets:?}");
        assert_eq!(told["executionSuccessful"], run.code != 2, "{targets:?}");
    }
}

#[test]
fn the_report_of_the_last_run_is_replaced_also_in_the_folder_that_is_audited() {
    let bench = Bench::new();
    bench.file("models/bad.pkl", HARMFUL).file("models/notes.html", b"<p>mine</p>");
    for form in ["json", "sarif", "html"] {
        let output = format!("models/report.{form}");
        for _ in 0..2 {
            let run = bench.run(&["scan", "--format", form, "-o", &output, "models"]);
            assert_eq!(run.code, 1, "{form}: {run:?}");
        }
    }
    let run = bench.run(&["scan", "--format", "html", "-o", "models/notes.html", "models"]);
    assert_eq!(run.code, 2);
    assert_eq!(fs::read(bench.path("models/notes.html")).unwrap(), b"<p>mine</p>");
}

#[cfg(unix)]
mod unix {
    use std::{
        os::unix::fs::{FileTypeExt, PermissionsExt, symlink},
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn a_pipe_is_written_to_and_stays_a_pipe() {
        let bench = Bench::new();
        bench.file("bad.pkl", HARMFUL);
        assert!(Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap().success());
        let mut scan = bench.command(&["scan", "--format", "json", "-o", "pipe", "bad.pkl"]);
        let mut child = scan.spawn().unwrap();
        let text = fs::read_to_string(bench.path("pipe")).unwrap();
        assert!(text.starts_with("{\n  \"schema\": 1"), "{text}");
        assert_eq!(child.wait().unwrap().code(), Some(1));
        assert!(fs::symlink_metadata(bench.path("pipe")).unwrap().file_type().is_fifo());
    }

    #[test]
    fn an_open_stream_is_written_to_by_its_path() {
        let bench = Bench::new();
        bench.file("bad.pkl", HARMFUL);
        let run = bench.run(&["scan", "-o", "/dev/stdout", "bad.pkl"]);
        assert!(run.code == 1 && run.out.starts_with("critical["), "{run:?}");
    }

    #[test]
    fn a_link_is_followed_and_a_mode_is_kept() {
        let bench = Bench::new();
        bench.file("bad.pkl", HARMFUL).file("kept/report.txt", b"old");
        let mode =
            |name: &str| fs::metadata(bench.path(name)).unwrap().permissions().mode() & 0o777;
        let secret = fs::Permissions::from_mode(0o640);
        fs::set_permissions(bench.path("kept/report.txt"), secret).unwrap();
        symlink("kept/report.txt", bench.path("link")).unwrap();
        symlink("kept/new.txt", bench.path("dangling")).unwrap();
        for (link, file) in [("link", "kept/report.txt"), ("dangling", "kept/new.txt")] {
            assert_eq!(bench.run(&["scan", "-o", link, "bad.pkl"]).code, 1);
            assert!(fs::symlink_metadata(bench.path(link)).unwrap().is_symlink(), "{link}");
            assert!(fs::read(bench.path(file)).unwrap().starts_with(b"critical["), "{link}");
        }
        assert_eq!(mode("kept/report.txt"), 0o640);
        assert_eq!(fs::read_dir(bench.path("kept")).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn no_other_name_of_the_target_is_overwritten() {
        let bench = Bench::new();
        bench.file("bad.pkl", HARMFUL);
        symlink("bad.pkl", bench.path("link")).unwrap();
        fs::hard_link(bench.path("bad.pkl"), bench.path("hard")).unwrap();
        for output in ["link", "hard"] {
            assert_eq!(bench.run(&["scan", "-o", output, "bad.pkl"]).code, 2, "{output}");
        }
        let input = fs::File::open(bench.path("bad.pkl")).unwrap();
        let scan = bench.command(&["scan", "-o", "bad.pkl", "-"]).stdin(input).output().unwrap();
        assert_eq!(scan.status.code(), Some(2));
        assert_eq!(fs::read(bench.path("bad.pkl")).unwrap(), HARMFUL);
    }

    #[test]
    fn the_exit_code_is_the_verdict_also_where_nobody_reads_on() {
        let bench = Bench::new();
        bench.file("bad.pkl", HARMFUL);
        let mut scan = bench.command(&["scan", "bad.pkl"]);
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let status = scan.stdout(Stdio::from(write)).status().unwrap();
        assert_eq!(status.code(), Some(1));
    }
}
