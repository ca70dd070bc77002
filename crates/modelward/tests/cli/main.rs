//! The command as a user or a program meets it: arguments in, streams and exit code out.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests may fail as tests do"
)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

mod backdoor;
mod bom;
mod data;
mod data_report;
mod domain;
mod graphs;
mod lab;
mod models;
mod origins;
#[cfg(feature = "ort")]
mod ort;
mod output;
mod policy;
mod served;
mod signed;
mod targets;
mod texts;
mod trees;

/// A folder of files, and the command run in it.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Write a file, and the folders above it.
    fn file(&self, name: impl AsRef<Path>, bytes: &[u8]) -> &Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modelward"));
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    /// The JSON report of a scan.
    fn report(&self, arguments: &[&str]) -> serde_json::Value {
        let run = self.run(&[&["scan", "--format", "json"], arguments].concat());
        let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        let code = match report["verdict"].as_str().unwrap() {
            "clean" => 0,
            "denied" => 1,
            _ => 3,
        };
        assert!(run.code == code || run.code == 2, "{report}");
        report
    }
}

/// What came of a run.
#[derive(Debug)]
struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().expect("no signal ended it"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// A pickle of protocol 2 that loading would turn into a dictionary and nothing else.
const HARMLESS: &[u8] = b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s.";
/// A pickle of protocol 0 that would print a word, were it loaded.
const HARMFUL: &[u8] = b"cos\nsystem\n(S'echo pwned'\ntR.";
/// A pickle that calls a class nobody knows.
const UNKNOWN: &[u8] = b"cmy.package\nSettings\n)R.";
/// Bytes of no format.
const NOTHING: &[u8] = b"\x07\xfe\x01 no format at all \xff\xfe\x00\x9d";

#[test]
fn the_exit_code_is_the_verdict() {
    let bench = Bench::new();
    bench.file("good.pkl", HARMLESS).file("bad.pkl", HARMFUL).file("odd.bin", NOTHING);
    for (targets, code) in [
        (&["good.pkl"][..], 0),
        (&["bad.pkl"], 1),
        (&["odd.bin"], 3),
        (&["good.pkl", "odd.bin"], 3),
        (&["good.pkl", "bad.pkl", "odd.bin"], 1),
        (&["."], 1),
        (&["missing.pkl", "bad.pkl"], 2),
    ] {
        for verb in ["scan", "audit"] {
            let run = bench.run(&[&[verb], targets].concat());
            assert_eq!(run.code, code, "{verb} {targets:?}: {run:?}");
        }
    }
}

#[test]
fn a_level_below_the_policy_does_not_fail_the_run() {
    let bench = Bench::new();
    bench.file("odd.pkl", UNKNOWN);
    assert_eq!(bench.run(&["scan", "odd.pkl"]).code, 1);
    let run = bench.run(&["scan", "--deny", "critical", "odd.pkl"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("below the level that fails the run"), "{run:?}");
}

#[test]
fn wrong_usage_names_what_was_meant() {
    let bench = Bench::new();
    for (arguments, hint) in [
        (&["scan", "--format", "sarf", "x"][..], "did you mean `sarif`?"),
        (&["scan", "--deny", "hgih", "x"], "did you mean `high`?"),
        (&["scan", "--max-memory", "1 parsec", "x"], "unknown unit `parsec`"),
        (&["scan", "--max-memory", "1e9", "x"], "expected a size such as `64GiB`, found `1e9`"),
        (&["scan", "--threads", "abc", "x"], "expected a whole number from 0 to 4096, found `abc`"),
        (&["scan", "--max-depth", "99999999999999999999", "x"], "found `99999999999999999999`"),
        (&["scna", "x"], "'scan'"),
        (&["scan", "--polcy", "x"], "'--policy'"),
        (&["explain", "policy-inside-tarket"], "did you mean `policy-inside-target`?"),
        (&["scan"], "<PATH>"),
        (&["scan", "--format", "json", "--format", "html", "x"], "-o DIR"),
    ] {
        let run = bench.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.err.contains(hint) && run.err.starts_with("error: "), "{arguments:?}: {run:?}");
        assert!(run.out.is_empty(), "{run:?}");
    }
}

#[test]
fn help_and_version_are_no_failure() {
    let bench = Bench::new();
    for arguments in
        [&["--help"][..], &["--version"], &["help", "scan"], &["policy", "add", "--help"]]
    {
        assert_eq!(bench.run(arguments).code, 0, "{arguments:?}");
    }
    let rules = bench.run(&["rules", "--format", "json"]);
    let rules: Vec<serde_json::Value> = serde_json::from_str(&rules.out).unwrap();
    assert!(rules.iter().any(|rule| rule["id"] == "MW1009"));
    assert!(bench.run(&["explain", "mw1009"]).out.contains("OWASP LLM04:2026"));
}

#[test]
fn the_report_does_not_depend_on_the_threads() {
    let bench = Bench::new();
    for i in 0..40 {
        let bytes = [HARMLESS, HARMFUL, UNKNOWN, NOTHING][i % 4];
        bench.file(format!("deep/{}/file-{i}.pkl", i % 7), bytes);
    }
    let report = |threads| {
        let mut report = bench.report(&["--threads", threads, "."]);
        report["seconds"] = 0.into();
        report
    };
    let one = report("1");
    assert_eq!(one["counts"]["files"], 40);
    for threads in ["0", "2", "7"] {
        assert_eq!(report(threads), one, "{threads} threads");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure_of_ours() {
    let bench = Bench::new();
    let mut rules = bench.command(&["rules", "--format", "json"]);
    let mut child = rules.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn the_verdict_does_not_depend_on_the_name() {
    let names = [
        "m.pkl",
        "m.bin",
        "m.safetensors",
        "m.gguf",
        "m.onnx",
        "m.json",
        "m.png",
        "m.txt",
        "m.zip",
        "m.py",
        "m.xyz",
        "m",
    ];
    for name in names {
        let bench = Bench::new();
        for (bytes, verdict) in [(HARMFUL, "denied"), (HARMLESS, "clean")] {
            assert_eq!(bench.file(name, bytes).report(&[name])["verdict"], verdict, "{name}");
        }
    }
}

#[test]
fn the_hook_takes_every_file_name_for_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let hook = std::fs::read_to_string(root.join(".pre-commit-hooks.yaml")).unwrap();
    let entry =
        hook.lines().find_map(|line| line.trim().strip_prefix("entry: modelward ")).unwrap();
    let bench = Bench::new();
    bench.file("--output=x.pkl", HARMFUL);
    let arguments = entry.split(' ').chain(["--output=x.pkl"]).collect::<Vec<_>>();
    let run = bench.run(&arguments);
    assert!(run.code == 1 && run.out.contains("--> --output=x.pkl at"), "{run:?}");
    assert!(!bench.path("x.pkl").exists());
}

#[test]
fn the_screen_in_the_readme_is_the_real_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (_, shown) = readme.split_once("$ modelward audit examples/suspicious-model\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_modelward"));
    let output = command.args(["audit", "examples/suspicious-model"]).current_dir(root).output();
    let real = Run::of(output.unwrap());
    assert_eq!(real.code, 1);
    // How many checks there are and how long they take is not what the page is about.
    let steady = |text: &str| {
        let words = text.split(" checks, ").collect::<Vec<_>>();
        let [before, after] = words[..] else { panic!("{text}") };
        let before = before.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        before + after.rsplit_once(" in ").unwrap().0
    };
    assert_eq!(steady(shown), steady(&real.out));
}
