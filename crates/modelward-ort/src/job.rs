//! What is asked of ONNX Runtime, and what it answers.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use modelward_engine::{Kind, Result, Tensor, Trouble};

use crate::wire::{In, Out, wrong};

/// What stands before a model is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The shared library, as [`crate::library`] gives it.
    pub library: PathBuf,
    /// What computes.
    pub provider: Provider,
    /// Threads to compute on, at least 1.
    pub threads: usize,
    /// Bytes of memory for the model and its values; the runtime's own come on top.
    pub memory: u64,
    /// How long an answer may take, what is measured not counted.
    pub time: Duration,
}

/// What ONNX Runtime computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// The processor.
    Cpu,
    /// An NVIDIA GPU, the first that is visible. Operators that it does not have run on the processor.
    Cuda,
}

/// One model, and what is to be made of it.
#[derive(Debug)]
pub struct Job {
    /// What stands before.
    pub setup: Setup,
    /// The model, an ONNX file without external data.
    pub model: Vec<u8>,
    /// Its inputs by name.
    pub inputs: Vec<(String, Arc<Tensor>)>,
    /// The outputs that are asked for.
    pub outputs: Vec<String>,
    /// For how long it is run again and again behind the first run, where it is measured.
    pub measured: Option<Duration>,
}

/// What came of a job.
#[derive(Debug)]
pub struct Answer {
    /// What the library says of its build.
    pub build: String,
    /// The outputs that were asked for, in their order.
    pub outputs: Vec<Output>,
    /// What was measured.
    pub measured: Option<Measured>,
}

/// An output.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its values.
    pub values: Tensor,
    /// Where it is a sequence of maps, their keys: then the values have a row for each map.
    pub keys: Option<Tensor>,
}

/// What calls cost, all in the process of the runtime.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// How many there were, behind the first.
    pub calls: u64,
    /// CPU seconds of all threads over these calls.
    pub cpu_seconds: f64,
    /// Seconds of the clock over these calls.
    pub wall_seconds: f64,
    /// The most memory that the process had.
    pub peak_bytes: Option<u64>,
}

/// What a job begins with: another program writes something else.
const MAGIC: u64 = u64::from_le_bytes(*b"mw-ort 1");

impl Setup {
    fn write(&self, out: &mut Out<impl Write>) -> io::Result<()> {
        out.number(MAGIC)?;
        out.bytes(self.library.as_os_str().as_bytes())?;
        out.number(u64::from(self.provider == Provider::Cuda))?;
        out.count(self.threads)?;
        out.number(self.memory)?;
        out.float(self.time.as_secs_f64())
    }

    pub(crate) fn read(from: &mut In<impl Read>) -> io::Result<Self> {
        if from.number()? != MAGIC {
            return Err(wrong("this is no job"));
        }
        let library = PathBuf::from(OsString::from_vec(from.bytes()?));
        let provider = if from.number()? == 0 { Provider::Cpu } else { Provider::Cuda };
        let (threads, memory) = (from.count()?, from.number()?);
        let time = Duration::try_from_secs_f64(from.float()?);
        let time = time.map_err(|_| wrong("a time that is none"))?;
        Ok(Self { library, provider, threads, memory, time })
    }
}

impl Job {
    pub(crate) fn write(&self, out: &mut Out<impl Write>) -> io::Result<()> {
        self.setup.write(out)?;
        out.bytes(&self.model)?;
        out.count(self.inputs.len())?;
        for (name, tensor) in &self.inputs {
            out.bytes(name.as_bytes())?;
            out.tensor(tensor)?;
        }
        out.count(self.outputs.len())?;
        for name in &self.outputs {
            out.bytes(name.as_bytes())?;
        }
        out.float(self.measured.map_or(-1.0, |time| time.as_secs_f64()))?;
        out.0.flush()
    }

    pub(crate) fn read(setup: Setup, from: &mut In<impl Read>) -> io::Result<Self> {
        let model = from.bytes()?;
        let mut inputs = Vec::new();
        for _ in 0..from.count()? {
            inputs.push((from.text()?, Arc::new(from.tensor()?)));
        }
        let mut outputs = Vec::new();
        for _ in 0..from.count()? {
            outputs.push(from.text()?);
        }
        let measured = Duration::try_from_secs_f64(from.float()?).ok();
        Ok(Self { setup, model, inputs, outputs, measured })
    }
}

/// The kinds of trouble that the runtime's process tells of.
const KINDS: [Kind; 4] = [Kind::Unsupported, Kind::Limit, Kind::Input, Kind::System];

/// Write what came of a job.
pub(crate) fn answer(answer: &Result<Answer>, out: &mut Out<impl Write>) -> io::Result<()> {
    match answer {
        Ok(answer) => {
            out.number(0)?;
            out.bytes(answer.build.as_bytes())?;
            out.count(answer.outputs.len())?;
            for output in &answer.outputs {
                out.tensor(&output.values)?;
                out.number(u64::from(output.keys.is_some()))?;
                if let Some(keys) = &output.keys {
                    out.tensor(keys)?;
                }
            }
            out.number(u64::from(answer.measured.is_some()))?;
            if let Some(measured) = &answer.measured {
                out.number(measured.calls)?;
                out.float(measured.cpu_seconds)?;
                out.float(measured.wall_seconds)?;
                out.number(measured.peak_bytes.unwrap_or(0))?;
            }
        }
        Err(trouble) => {
            let kind = KINDS.iter().position(|kind| *kind == trouble.kind).unwrap_or(0);
            out.count(kind.saturating_add(1))?;
            out.bytes(trouble.why.as_bytes())?;
            out.bytes(trouble.help.as_deref().unwrap_or_default().as_bytes())?;
        }
    }
    out.0.flush()
}

/// Read what came of a job.
pub(crate) fn answered(from: &mut In<impl Read>) -> io::Result<Result<Answer>> {
    let kind = from.count()?;
    if let Some(kind) = kind.checked_sub(1) {
        let kind = KINDS.get(kind).ok_or_else(|| wrong("an answer of no known kind"))?;
        let (why, help) = (from.text()?, from.text()?);
        let trouble = Trouble::new(*kind, why);
        return Ok(Err(if help.is_empty() { trouble } else { trouble.help(help) }));
    }
    let build = from.text()?;
    let mut outputs = Vec::new();
    for _ in 0..from.count()? {
        let values = from.tensor()?;
        let keys = if from.number()? == 0 { None } else { Some(from.tensor()?) };
        outputs.push(Output { values, keys });
    }
    let measured = if from.number()? == 0 {
        None
    } else {
        Some(Measured {
            calls: from.number()?,
            cpu_seconds: from.float()?,
            wall_seconds: from.float()?,
            peak_bytes: Some(from.number()?).filter(|&bytes| bytes > 0),
        })
    };
    Ok(Ok(Answer { build, outputs, measured }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_as_it_was_written() {
        let setup = Setup {
            library: "/opt/ort/libonnxruntime.so".into(),
            provider: Provider::Cuda,
            threads: 3,
            memory: 1 << 30,
            time: Duration::from_millis(1500),
        };
        let inputs = vec![("x".to_owned(), Arc::new(Tensor::list(vec![1_i64, -2])))];
        let job = Job {
            setup: setup.clone(),
            model: vec![8, 7],
            inputs: inputs.clone(),
            outputs: vec!["y".into(), "z".into()],
            measured: Some(Duration::from_secs(2)),
        };
        let mut bytes = Vec::new();
        job.write(&mut Out(&mut bytes)).unwrap();
        let mut from = In { from: &bytes[..], left: u64::MAX };
        assert_eq!(Setup::read(&mut from).unwrap(), setup);
        let read = Job::read(setup, &mut from).unwrap();
        assert_eq!((read.model, read.inputs, read.outputs), (job.model, inputs, job.outputs));
        assert_eq!(read.measured, Some(Duration::from_secs(2)));
        assert!(Setup::read(&mut In { from: &bytes[8..], left: u64::MAX }).is_err());
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let output = Output {
            values: Tensor::new([2, 1], vec![0.25_f32, 0.5]).unwrap(),
            keys: Some(Tensor::list(vec![Arc::<str>::from("cat")])),
        };
        let measured =
            Measured { calls: 7, cpu_seconds: 0.5, wall_seconds: 0.25, peak_bytes: Some(4096) };
        let told = Answer {
            build: "rel-1.32.0".into(),
            outputs: vec![output.clone()],
            measured: Some(measured),
        };
        let mut bytes = Vec::new();
        answer(&Ok(told), &mut Out(&mut bytes)).unwrap();
        let read = answered(&mut In { from: &bytes[..], left: u64::MAX }).unwrap().unwrap();
        assert_eq!((read.build.as_str(), read.measured), ("rel-1.32.0", Some(measured)));
        assert_eq!(read.outputs, [output]);
        for length in 0..bytes.len() {
            assert!(answered(&mut In { from: &bytes[..length], left: u64::MAX }).is_err());
        }
        let trouble = Trouble::limit("too much").help("take less");
        let mut bytes = Vec::new();
        answer(&Err(trouble.clone()), &mut Out(&mut bytes)).unwrap();
        let read = answered(&mut In { from: &bytes[..], left: u64::MAX }).unwrap();
        assert_eq!(read.unwrap_err(), trouble);
    }
}
