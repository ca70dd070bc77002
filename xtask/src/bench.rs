//! The commands of the benchmarks. They are not run from here: they take minutes, install other
//! tools, and mean something only on a quiet machine.

/// Print them.
pub(crate) fn print() {
    println!("{COMMANDS}");
}

const COMMANDS: &str = "\
cargo build --release -p modelward

# detection, and speed against other tools, where the benchmark folder lies beside the checkout
../shared/bench/artifact/setup.sh
../shared/bench/artifact/detection.py
../shared/bench/artifact/speed.py

# the engine beside torch and ONNX Runtime; what it answers to hostile models; mutants of models
../shared/bench/engine/setup.sh target/peers-engine
target/peers-engine/bin/python ../shared/bench/engine/speed.py
cargo build -p modelward && cargo run -p xtask -- engine-hostile ../shared/corpus/engine/hostile
cargo run -p xtask -- engine-mutants ../shared/corpus/engine --count 100000 --seed 1
# the corpus in ONNX Runtime, by `--engine ort`
cargo build -p modelward --features ort && cargo run -p xtask -- engine-ort ../shared/corpus/engine --library \"$(.ci/onnxruntime)\"

# modelward alone: start to verdict on a small file
perf stat -r 20 target/release/modelward scan --no-progress LICENSE
# modelward alone: the SHA-256 of a big file against sha256sum
time target/release/modelward scan --format json --no-progress BIG > /dev/null; time sha256sum BIG";
