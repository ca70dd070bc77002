//! The built command, run in a process of its own under limits.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The command, built beside this one or named by `MODELWARD`.
pub(crate) fn built() -> Result<PathBuf, String> {
    let beside = || Some(env::current_exe().ok()?.parent()?.join("modelward"));
    let named = env::var_os("MODELWARD").map(PathBuf::from).or_else(beside);
    let found = named.filter(|path| path.is_file()).and_then(|path| path.canonicalize().ok());
    found.ok_or_else(|| "expected the command beside this one; run `cargo build` first".to_owned())
}

/// How a process ended, and what it cost.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// It gave no answer in time.
    pub(crate) stopped: bool,
    pub(crate) output: Vec<u8>,
    pub(crate) error: Vec<u8>,
    /// CPU seconds.
    pub(crate) cpu: f64,
    /// The largest resident set, in bytes.
    pub(crate) memory: u64,
}

/// Run the command; its output goes through the folder `work`. At most four times the CPU seconds and
/// the memory are given: a shell sets the limits, since no other safe code can.
pub(crate) fn run(
    binary: &Path,
    arguments: &[&str],
    work: &Path,
    (seconds, memory): (f64, u64),
) -> Result<Ended, String> {
    let text = |error: std::io::Error| error.to_string();
    let (output, error) = (work.join("stdout"), work.join("stderr"));
    let limit = format!(
        "ulimit -v {}; ulimit -t {}; exec \"$0\" \"$@\"",
        memory >> 10,
        (seconds * 4.0).ceil()
    );
    let mut running = Command::new("sh")
        .args(["-c", &limit])
        .arg(binary)
        .args(arguments)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(File::create(&output).map_err(text)?)
        .stderr(File::create(&error).map_err(text)?)
        .spawn()
        .map_err(|error| format!("{}: {error}", binary.display()))?;
    let started = Instant::now();
    let (mut cpu, mut peak, mut stopped) = (0.0_f64, 0_u64, false);
    let about = PathBuf::from(format!("/proc/{}", running.id()));
    loop {
        let status = fields(&about.join("status"));
        peak = peak.max(status.get("VmHWM").copied().unwrap_or(0) << 10);
        // What has ended keeps its times until it is waited for.
        let stat = fs::read_to_string(about.join("stat")).unwrap_or_default();
        let behind = stat.rsplit(')').next().unwrap_or_default();
        let columns = behind.split_whitespace().collect::<Vec<_>>();
        let ticks = |at: usize| columns.get(at).and_then(|text| text.parse::<f64>().ok());
        cpu = cpu.max((ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0);
        if columns.first().is_none_or(|state| *state == "Z") {
            break;
        }
        if started.elapsed() > Duration::from_secs(60) {
            running.kill().map_err(text)?;
            stopped = true;
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    let status = running.wait().map_err(text)?;
    Ok(Ended {
        code: status.code(),
        stopped,
        output: fs::read(&output).map_err(text)?,
        error: fs::read(&error).map_err(text)?,
        cpu,
        memory: peak,
    })
}

/// The numbers of a file of `name: number` lines.
fn fields(path: &Path) -> BTreeMap<String, u64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        Some((name.to_owned(), rest.split_whitespace().next()?.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}
