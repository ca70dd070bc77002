//! The chores of modelward.
//!
//! - `cargo run -p xtask -- generate` writes every page that is made from the code, and with
//!   `--check` says which of them are stale;
//! - `cargo run -p xtask -- conformance DIR` holds the scanner to a corpus of labelled files;
//! - `cargo run -p xtask -- engine DIR` holds the engine to a corpus of models;
//! - `cargo run -p xtask -- evasion DIR` holds the lab to published counterexamples, trees and bounds;
//! - `cargo run -p xtask -- integrity DIR` holds the command to a corpus of signed models;
//! - `cargo run -p xtask -- data DIR` holds the command to a corpus of data sets;
//! - `cargo run -p xtask -- engine-hostile DIR` holds the command to hostile models, each in a process
//!   of its own;
//! - `cargo run -p xtask -- engine-ort DIR --library LIB` holds the command with `--engine ort` to the
//!   same corpus, where it was built with that feature;
//! - `cargo run -p xtask -- engine-mutants DIR` holds the engine to mutants of a corpus of models;
//! - `cargo run -p xtask -- bench` prints the commands that measure speed and detection.

#![allow(clippy::print_stdout, reason = "a chore talks to the person who runs it")]

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

mod bench;
mod command;
mod conformance;
mod data;
mod engine;
mod engine_mutants;
mod engine_ort;
mod evasion;
mod generate;
mod hostile_models;
mod integrity;

/// The chores of modelward.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Write rule pages, threats, man pages, completions and the schema of the JSON report.
    Generate {
        /// Write nothing; fail where a page is stale.
        #[arg(long)]
        check: bool,
    },
    /// Hold the scanner to a corpus of labelled files, read in memory.
    Conformance {
        /// Folder of the corpus: zips with a `labels.tsv` each.
        corpus: PathBuf,
        /// Name each wrong answer.
        #[arg(long)]
        misses: bool,
    },
    /// Hold the engine to a corpus of models with known answers.
    Engine {
        /// Folder of the corpus: `node-tests.zip`, `models`.
        corpus: PathBuf,
        /// Name each wrong answer.
        #[arg(long)]
        misses: bool,
        /// Only what has this in its name, or is this operator.
        #[arg(long)]
        only: Option<String>,
    },
    /// Hold the built command to a corpus of models and signatures.
    Integrity {
        /// Folder of the corpus: `models.json`, `bundles`, `test-keys`, `expected.tsv`.
        corpus: PathBuf,
        /// Name every answer, not only the wrong ones.
        #[arg(long)]
        misses: bool,
    },
    /// Hold the built command to a corpus of data sets.
    Data {
        /// Folder of the corpus: `readers`, `hostile`, `content` and on.
        corpus: PathBuf,
        /// Name every answer, not only the wrong ones.
        #[arg(long)]
        misses: bool,
    },
    /// Hold the lab to published counterexamples, trees and networks with known answers.
    Evasion {
        /// Folder of the corpus: `witnesses`, `vnncomp`, `trees`.
        corpus: PathBuf,
    },
    /// Hold the built command to hostile models, each in a process of its own under limits.
    EngineHostile {
        /// Folder of the models; a table beside it, `DIR.tsv`, says what is expected.
        folder: PathBuf,
        /// Only what has this in its name.
        #[arg(long)]
        only: Option<String>,
    },
    /// Hold the built command with ONNX Runtime to a corpus of models with known answers.
    EngineOrt {
        /// Folder of the corpus: `models`.
        corpus: PathBuf,
        /// The shared library of ONNX Runtime.
        #[arg(long)]
        library: PathBuf,
        /// Only what has this in its name.
        #[arg(long)]
        only: Option<String>,
    },
    /// Load and run mutants of a corpus of models, in this process and under small limits.
    EngineMutants {
        /// Folder of the corpus: `node-tests.zip`, `models`, `hostile`.
        corpus: PathBuf,
        /// How many mutants.
        #[arg(long, default_value_t = 10_000)]
        count: u64,
        /// Where the random numbers begin.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Keep mutants that fail in this folder.
        #[arg(long)]
        keep: Option<PathBuf>,
    },
    /// Print the commands that measure speed and detection against other tools.
    Bench,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Generate { check: true } => generate::check(),
        Chore::Generate { check: false } => generate::write(),
        Chore::Conformance { corpus, misses } => conformance::run(&corpus, misses),
        Chore::Engine { corpus, misses, only } => engine::run(&corpus, misses, only.as_deref()),
        Chore::Integrity { corpus, misses } => integrity::run(&corpus, misses),
        Chore::Data { corpus, misses } => data::run(&corpus, misses),
        Chore::Evasion { corpus } => evasion::run(&corpus),
        Chore::EngineHostile { folder, only } => hostile_models::run(&folder, only.as_deref()),
        Chore::EngineOrt { corpus, library, only } => {
            engine_ort::run(&corpus, &library, only.as_deref())
        }
        Chore::EngineMutants { corpus, count, seed, keep } => {
            engine_mutants::run(&corpus, count, seed, keep.as_deref())
        }
        Chore::Bench => {
            bench::print();
            Ok(true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            println!("error: {why}");
            ExitCode::from(2)
        }
    }
}
