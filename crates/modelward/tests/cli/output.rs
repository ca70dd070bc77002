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
