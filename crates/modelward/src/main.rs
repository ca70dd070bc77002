//! The one door: `modelward audit PATH`.

use std::process::ExitCode;

fn main() -> ExitCode {
    modelward::cli::main()
}
