//! `--engine ort`: libraries that are none, made here; and ONNX Runtime itself, where it is installed.

#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]
#![allow(clippy::cast_possible_truncation, reason = "numbers of a test")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use modelward_engine::{Kind, Limits, Tensor, npz};
use modelward_ort::{Job, Provider, Setup};

use crate::{Bench, Run, models};

/// A shared library, compiled from these lines.
fn library(bench: &Bench, name: &str, source: &str) -> PathBuf {
    bench.file(format!("{name}.rs"), source.as_bytes());
    let path = bench.path(&format!("lib{name}.so"));
    let made = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-o"])
        .args([&path, &bench.path(&format!("{name}.rs"))])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    path
}

/// A library that says it is this version of ONNX Runtime, and has nothing else.
fn versioned(version: &str) -> String {
    format!(
        "#[repr(C)]
        pub struct Base {{ api: extern \"C\" fn(u32) -> usize, version: extern \"C\" fn() -> *const u8 }}
        extern \"C\" fn api(_: u32) -> usize {{ 0 }}
        extern \"C\" fn version() -> *const u8 {{ c\"{version}\".as_ptr().cast() }}
        static BASE: Base = Base {{ api, version }};
        #[unsafe(no_mangle)]
        pub extern \"C\" fn OrtGetApiBase() -> *const Base {{ &BASE }}"
    )
}

/// A library whose first function does this.
fn doing(what: &str) -> String {
    format!("#[unsafe(no_mangle)] pub extern \"C\" fn OrtGetApiBase() -> usize {{ {what} }}")
}

/// ONNX Runtime, where a variable names it.
fn peer() -> Option<PathBuf> {
    let path = std::env::var_os(modelward_ort::VARIABLE).map(PathBuf::from);
    if path.is_none() {
        eprintln!(
            "skipped: `ORT_DYLIB_PATH` names no library of ONNX Runtime (`.ci/onnxruntime` installs one)"
        );
    }
    path
}

fn bench() -> Bench {
    let bench = Bench::new();
    bench.file("classifier.onnx", &models::classifier());
    let x =
        Tensor::new([5, 6], (0..30_u8).map(|n| f32::from(n) * 8.0).collect::<Vec<_>>()).unwrap();
    let y = Tensor::list(vec![0_i64, 1, 2, 1, 0]);
    let seed = [0.5_f32, -1.0, 2.0].repeat(5);
    let seed = Tensor::new([5, 3], seed).unwrap();
    let arrays = [("x", x), ("y", y), ("seed_y", seed)];
    let arrays = arrays.into_iter().map(|(name, tensor)| (name.to_owned(), Arc::new(tensor)));
    npz::write(&bench.path("xy.npz"), &arrays.collect()).unwrap();
    bench
}

fn command(bench: &Bench, arguments: &[&str], library: &Path) -> Command {
    let mut command = bench.command(&["model"]);
    command.args(arguments).args(["--engine", "ort", "--ort-library"]).arg(library);
    command.env_remove(modelward_ort::VARIABLE);
    command
}

const RUN: [&str; 6] = ["run", "classifier.onnx", "--input", "xy.npz", "-o", "out.npz"];

#[test]
fn what_is_no_library_of_the_runtime_is_refused() {
    let bench = bench();
    bench.file("text.so", b"this is a text");
    let refused = |path: &Path, why: &str| {
        let run = Run::of(command(&bench, &RUN, path).output().unwrap());
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains(why), "expected `{why}`: {run:?}");
        assert!(!bench.path("out.npz").exists());
    };
    refused(Path::new("text.so"), "expected an absolute path");
    refused(&bench.path("nowhere.so"), "cannot read the library");
    refused(bench.folder.path(), "no regular file");
    refused(&bench.path("text.so"), "as a shared library");
    refused(&library(&bench, "empty", ""), "not ONNX Runtime");
    refused(&library(&bench, "old", &versioned("1.16.3")), "1.17 or newer");
    refused(&library(&bench, "null", &doing("0")), "not what it says");
    refused(&library(&bench, "less", &versioned("1.99.0")), "not what it says");
}

#[test]
fn a_library_in_the_current_folder_is_never_loaded() {
    let bench = bench();
    let print =
        doing("std::fs::write(\"/proc/self/cwd/loaded\", \"\").ok(); std::process::abort()");
    let made = library(&bench, "onnxruntime", &print);
    for name in ["libonnxruntime.so", "./libonnxruntime.so", "onnxruntime"] {
        let run = Run::of(command(&bench, &RUN, Path::new(name)).output().unwrap());
        assert!(run.code == 2 && run.err.contains("absolute path"), "{run:?}");
    }
    let mut unnamed = bench.command(&["model"]);
    unnamed.args(RUN).args(["--engine", "ort"]);
    unnamed.env_remove(modelward_ort::VARIABLE).env("LD_LIBRARY_PATH", bench.folder.path());
    let run = Run::of(unnamed.output().unwrap());
    assert!(run.code == 2 && run.err.contains("got none"), "{run:?}");
    let run = Run::of(unnamed.env(modelward_ort::VARIABLE, "libonnxruntime.so").output().unwrap());
    assert!(run.code == 2 && run.err.contains("absolute path"), "{run:?}");
    // By its whole path it is loaded, in a folder and with rights of its own.
    let run = Run::of(command(&bench, &RUN, &made).output().unwrap());
    assert!(run.code == 2 && run.err.contains("SIGABRT"), "{run:?}");
    assert!(!bench.path("loaded").exists());
}

#[test]
fn a_library_that_hangs_dies_or_takes_memory_is_ended() {
    let bench = bench();
    let start = Instant::now();
    let failed = |name: &str, what: &str, more: &[&str], why: &str| {
        let made = library(&bench, name, &doing(what));
        let arguments = [&RUN[..], more].concat();
        let run = Run::of(command(&bench, &arguments, &made).output().unwrap());
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains(why), "expected `{why}`: {run:?}");
    };
    let sleep = "loop { std::thread::sleep(std::time::Duration::from_secs(9)) }";
    failed("sleeps", sleep, &["--max-time", "700ms"], "no answer within 0.7 s");
    let spin = "loop { std::hint::spin_loop() }";
    failed("spins", spin, &["--max-time", "700ms"], "no answer within 0.7 s");
    let close = "unsafe extern \"C\" { fn close(file: i32) -> i32; } \
                 (0..64).for_each(|file| _ = unsafe { close(file) }); \
                 loop { std::thread::sleep(std::time::Duration::from_secs(9)) }";
    failed("closes", close, &[], "closed its pipe without an answer");
    failed("aborts", "eprintln!(\"so long\"); std::process::abort()", &[], "SIGABRT): so long");
    failed("leaves", "std::process::exit(7)", &[], "code 7");
    let all = "let mut all = Vec::new(); loop { all.push(vec![1_u8; 1 << 24]) }";
    failed("takes", all, &["--max-memory", "64MiB"], "ran out of its memory of 64.0 MiB");
    let write = "std::fs::write(\"/tmp/modelward-ort-test\", \"x\").unwrap(); 0";
    failed("writes", write, &[], "SIG");
    assert!(!Path::new("/tmp/modelward-ort-test").exists());
    assert!(start.elapsed() < Duration::from_secs(120));
}

#[test]
fn options_of_the_runtime_need_the_runtime() {
    let bench = bench();
    let run = bench.run(&[&["model"], &RUN[..], &["--ort-library", "/bin/sh"]].concat());
    assert!(run.code == 2 && run.err.contains("is for `--engine ort`"), "{run:?}");
    let made = library(&bench, "unused", "");
    let clip = ["--per-example", "--clip", "1"];
    let arguments = [&["grad"], &RUN[1..], &clip].concat();
    let run = Run::of(command(&bench, &arguments, &made).output().unwrap());
    assert!(run.code == 2 && run.err.contains("no `--per-example`"), "{run:?}");
    let arguments = ["bench", "classifier.onnx", "--what", "per-example"];
    let run = Run::of(command(&bench, &arguments, &made).output().unwrap());
    assert!(run.code == 2 && run.err.contains("no `--what per-example`"), "{run:?}");
}

/// Arrays of the own engine and of ONNX Runtime, for the same arguments.
fn both(bench: &Bench, arguments: &[&str], peer: &Path) -> [npz::Arrays; 2] {
    let own = bench.run(&[&["model"], arguments, &["-o", "own.npz"]].concat());
    assert_eq!(own.code, 0, "{own:?}");
    let theirs = [arguments, &["-o", "ort.npz"]].concat();
    let theirs = Run::of(command(bench, &theirs, peer).output().unwrap());
    assert_eq!(theirs.code, 0, "{theirs:?}");
    ["own.npz", "ort.npz"]
        .map(|name| npz::read_file(&bench.path(name), &Limits::default()).unwrap())
}

#[test]
fn the_runtime_gives_the_arrays_of_the_own_engine() {
    let Some(peer) = peer() else { return };
    let bench = bench();
    let file = ["classifier.onnx", "--input", "xy.npz"];
    let seed = ["--seed-output", "y", "--wrt", "c"];
    for arguments in [
        [&["run"], &file[..]].concat(),
        [&["run"], &file[..], &["--outputs", "y", "--threads", "2"]].concat(),
        [&["grad"], &file[..], &["--threads", "1"]].concat(),
        [&["grad"], &file[..], &["--wrt", "weights"]].concat(),
        [&["grad"], &file[..], &["--wrt", "x,v", "--loss", "margin"]].concat(),
        [&["grad"], &file[..], &seed].concat(),
    ] {
        let [own, theirs] = both(&bench, &arguments, &peer);
        assert_eq!(own.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
        for (name, own) in &own {
            let theirs = &theirs[name];
            assert_eq!(own.kind(), theirs.kind(), "{arguments:?} {name}");
            let (own, theirs) = (own.floats().unwrap(), theirs.floats().unwrap());
            let most = own.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            for (own, theirs) in own.iter().zip(&theirs) {
                assert!((own - theirs).abs() <= 1e-5 * most, "{arguments:?} {name}");
            }
        }
    }
}

#[test]
fn a_difference_is_a_finding() {
    let Some(peer) = peer() else { return };
    let bench = Bench::new();
    bench.file("cancels.onnx", &models::mean(4096));
    // What is left of these means is rounding, so it depends on the order of the additions.
    let mut x = Vec::new();
    for row in 0..4 {
        let angles = (0..4095).map(|n| f64::from(n) + 0.37 * f64::from(row));
        let values = angles.map(|angle| (angle.sin() * 1e7) as f32).collect::<Vec<_>>();
        x.extend(&values);
        x.push(-values.iter().map(|&value| f64::from(value)).sum::<f64>() as f32);
    }
    let x = Arc::new(Tensor::new([4, 4096], x).unwrap());
    npz::write(&bench.path("x.npz"), &[("x".to_owned(), x)].into_iter().collect()).unwrap();
    let arguments = ["run", "cancels.onnx", "--input", "x.npz", "-o", "y.npz"];
    let run = Run::of(command(&bench, &arguments, &peer).output().unwrap());
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.err.starts_with("finding: `y` of ONNX Runtime is "), "{run:?}");
    assert!(bench.path("y.npz").exists());
}

#[test]
fn the_runtime_is_measured_in_its_own_process() {
    let Some(peer) = peer() else { return };
    let bench = bench();
    for what in ["forward", "grad"] {
        let arguments =
            ["bench", "classifier.onnx", "--what", what, "--batch", "8", "--seconds", "0.2"];
        let run = Run::of(command(&bench, &arguments, &peer).output().unwrap());
        assert_eq!(run.code, 0, "{run:?}");
        let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!((&json["engine"], &json["provider"]), (&"ort".into(), &"cpu".into()), "{json}");
        assert!(json["calls"].as_u64() > Some(0) && json["peak_bytes"].as_u64() > Some(1 << 20));
        assert!(json["per_call_cpu_seconds"].as_f64() > Some(0.0), "{json}");
        assert!(json["difference"].as_f64() < Some(1e-5), "{json}");
    }
}

#[test]
fn a_model_that_never_ends_is_ended() {
    let Some(library) = peer() else { return };
    let bench = Bench::new();
    // Handed to the runtime as it is: the own engine refuses it before.
    let job = Job {
        setup: Setup {
            library,
            provider: Provider::Cpu,
            threads: 2,
            memory: 1 << 30,
            time: Duration::from_secs(1),
        },
        model: models::endless(),
        inputs: vec![("x".into(), Arc::new(Tensor::new([1, 1], vec![1.0_f32]).unwrap()))],
        outputs: vec!["y".into()],
        measured: None,
    };
    let start = Instant::now();
    let trouble = modelward_ort::run(Path::new(env!("CARGO_BIN_EXE_modelward")), job).unwrap_err();
    assert_eq!(trouble.kind, Kind::Limit, "{trouble}");
    assert!(trouble.why.contains("no answer within"), "{trouble}");
    assert!(start.elapsed() < Duration::from_secs(30));
    bench.file("endless.onnx", &models::endless());
    let run = bench.run(&["model", "bench", "endless.onnx"]);
    assert_eq!(run.code, 2, "{run:?}");
}
