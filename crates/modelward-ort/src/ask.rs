//! The process that asks: it starts the other one, hands it a job, and waits for an answer or for
//! its end, and never longer than the time that was given.

use std::{
    ffi::OsString,
    io::{self, BufReader, BufWriter, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use modelward_engine::{Kind, Result, Trouble, exec::size};

use crate::{
    WORKER,
    job::{self, Answer, Job, Provider},
    wire::{In, Out},
};

/// Bytes of an answer beyond the memory of the job: names and sizes.
const SLACK: u64 = 1 << 20;

/// The end of what the other process said before it died.
const LAST_WORDS: usize = 2048;

/// Run a job in a process of its own: of `program`, which has to answer [`WORKER`] with
/// [`crate::serve`].
///
/// # Errors
/// Where the library is no ONNX Runtime of 1.17 or newer, where it refuses or fails the model, where
/// it is over the time or the memory of the job, or where it dies.
pub fn run(program: &Path, mut job: Job) -> Result<Answer> {
    let time = job.setup.time.saturating_add(job.measured.unwrap_or_default());
    job.setup.time = time;
    let setup = job.setup.clone();
    let start = Instant::now();
    let mut child = start_child(program, setup.provider).map_err(|error| {
        Trouble::new(Kind::System, format!("cannot start a process for ONNX Runtime: {error}"))
    })?;
    let (send, receive) = mpsc::channel();
    if let Some(stdin) = child.stdin.take() {
        // It may stop to read before it has all: then what it says counts, not that.
        thread::spawn(move || _ = job.write(&mut Out(BufWriter::new(stdin))));
    }
    if let Some(stdout) = child.stdout.take() {
        let left = setup.memory.saturating_add(SLACK);
        thread::spawn(move || {
            _ = send.send(job::answered(&mut In { from: BufReader::new(stdout), left }));
        });
    }
    let words = listen(&mut child);
    let got = receive.recv_timeout(time);
    let late = matches!(got, Err(RecvTimeoutError::Timeout));
    let answer = match got {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
            let memory = size(setup.memory);
            Some(Err(Trouble::limit(format!(
                "ONNX Runtime gives outputs of more than the limit of {memory}"
            ))))
        }
        _ => None,
    };
    // One that closed its pipe is about to end by itself; its status says why.
    let patience = if answer.is_none() && !late { Duration::from_secs(1) } else { Duration::ZERO };
    let ended = end(&mut child, patience);
    match answer {
        Some(answer) => answer,
        None if late => Err(Trouble::limit(format!(
            "ONNX Runtime gave no answer within {:.1} s, and was ended",
            start.elapsed().as_secs_f64()
        ))
        .help("raise the limit with `--max-time`")),
        None => Err(died(ended, &words, setup.memory)),
    }
}

/// The same program again, with nothing of this process's surroundings.
fn start_child(program: &Path, provider: Provider) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.arg(WORKER).env_clear().current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Two arenas of the allocator, so that threads do not reserve addresses for one each.
    command.env("MALLOC_ARENA_MAX", "2").env("LC_ALL", "C");
    if provider == Provider::Cuda {
        command.env("CUDA_CACHE_DISABLE", "1");
        for name in ["CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // CUDA's own libraries are found by the system's loader, and never in a relative folder.
        if let Some(folders) = std::env::var_os("LD_LIBRARY_PATH").and_then(|all| absolute(&all)) {
            command.env("LD_LIBRARY_PATH", folders);
        }
    }
    command.spawn()
}

/// The absolute ones of folders with colons.
fn absolute(folders: &std::ffi::OsStr) -> Option<OsString> {
    let folders = std::env::split_paths(folders).filter(|folder| folder.is_absolute());
    std::env::join_paths(folders).ok().filter(|folders| !folders.is_empty())
}

/// Keep the last of what a process says on standard error.
fn listen(child: &mut Child) -> Arc<Mutex<Vec<u8>>> {
    let words = Arc::new(Mutex::new(Vec::new()));
    if let Some(mut stderr) = child.stderr.take() {
        let heard = words.clone();
        thread::spawn(move || {
            let mut piece = [0; 1024];
            while let Ok(length @ 1..) = stderr.read(&mut piece) {
                let Ok(mut heard) = heard.lock() else { return };
                heard.extend_from_slice(piece.get(..length).unwrap_or_default());
                let over = heard.len().saturating_sub(LAST_WORDS);
                heard.drain(..over);
            }
        });
    }
    words
}

/// Wait so long for a process to end, then end it; gives its status where it ended by itself. One
/// that cannot be ended is left behind: nobody waits for it.
fn end(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    const PAUSE: Duration = Duration::from_millis(5);
    let waits = |child: &mut Child, time: Duration| {
        let start = Instant::now();
        loop {
            match child.try_wait() {
                Ok(None) if start.elapsed() < time => thread::sleep(PAUSE),
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
    };
    if let Some(status) = waits(child, patience) {
        return Some(status);
    }
    // It may have ended by now.
    _ = child.kill();
    waits(child, Duration::from_secs(5));
    None
}

/// What a process died of.
fn died(status: Option<ExitStatus>, words: &Mutex<Vec<u8>>, memory: u64) -> Trouble {
    use std::os::unix::process::ExitStatusExt;
    // The thread that listens may still be a moment behind.
    thread::sleep(Duration::from_millis(20));
    let words = words.lock().map(|words| String::from_utf8_lossy(&words).into_owned());
    let words = words.unwrap_or_default();
    let last = words.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    let said = if last.is_empty() { String::new() } else { format!(": {last}") };
    if ["bad_alloc", "memory allocation of"].iter().any(|text| words.contains(text)) {
        let memory = size(memory);
        return Trouble::limit(format!("ONNX Runtime ran out of its memory of {memory}{said}"))
            .help("raise the limit with `--max-memory`");
    }
    let Some(status) = status else {
        let why = "ONNX Runtime closed its pipe without an answer, and was ended";
        return Trouble::unsupported(format!("{why}{said}"));
    };
    match (status.signal(), status.code()) {
        (Some(SIGXCPU), _) => Trouble::limit("ONNX Runtime used up its time on the processor")
            .help("raise the limit with `--max-time`"),
        (Some(SIGKILL), _) => Trouble::limit(
            "ONNX Runtime was killed: it used up its time on the processor, or the system's memory",
        ),
        (Some(signal), _) => Trouble::unsupported(format!(
            "ONNX Runtime died of signal {signal} ({}){said}",
            name(signal)
        )),
        (None, code) => {
            let code = code.map_or_else(|| "no code".to_owned(), |code| format!("code {code}"));
            Trouble::unsupported(format!("ONNX Runtime ended with {code} and no answer{said}"))
        }
    }
}

const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// Signals that runtimes die of, as Linux numbers them.
fn name(signal: i32) -> &'static str {
    match signal {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => "see `kill -l`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_relative_folder_reaches_the_loader() {
        let keep = |text: &str| absolute(text.as_ref());
        assert_eq!(keep("/a:lib:/b").unwrap(), "/a:/b");
        assert_eq!(keep(":/a:").unwrap(), "/a");
        assert_eq!(keep("."), None);
        assert_eq!(keep(""), None);
    }
}
