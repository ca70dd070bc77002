//! A model behind HTTP, of which nothing is known but its answers.
//!
//! Three forms are spoken, all JSON:
//!
//! - Open Inference Protocol 2, as KServe, Triton, MLServer and OpenVINO serve it:
//!   `POST /v2/models/NAME[/versions/V]/infer` with `inputs` of `name`, `shape`, `datatype` and `data`.
//!   Names, types and shapes come from `GET /v2/models/NAME[/versions/V]`;
//! - TensorFlow Serving's rows: `POST /v1/models/NAME:predict` with `{"instances": [...]}`, answered by
//!   `{"predictions": [...]}`;
//! - a simple one: `POST` with `{"x": [...]}`, a sample a row, nested as its shape is; answered by
//!   `{"y": [...]}`, a label each, or `{"scores": [[...]]}`, a number for each class, or
//!   `{"predictions": [...]}`, either of them; for one sample also by `{"label": ...}`.
//!
//! Whole numbers are labels; so are texts, where the names of the classes are known. Inputs are
//! written with all digits of their doubles, so that a server that reads singles has exactly the
//! float that was sent. Only this machine is spoken to unless the user names another host; no
//! redirect is followed and no proxy asked.

mod address;
mod answer;
mod budget;
mod form;
mod metered;
mod open_inference;
mod rows;

use std::{fmt, io::Write, thread, time::Duration};

use modelward_engine::{Kind, Result, Trouble};
use serde_json::Value;
use sha2::{Digest, Sha256};
use ureq::Agent;

use address::Address;
pub use answer::Answer;
pub use budget::Failure;
use budget::{Budget, Record};
pub use form::Form;

/// How an endpoint is asked.
pub struct Options {
    /// What is spoken; by the URL's path where none is named: `/v2/models/` is the Open Inference
    /// Protocol, a path that ends in `:predict` has instances, all else is the simple form.
    pub form: Option<Form>,
    /// The host that the user names, where it is not this machine.
    pub allow_host: Option<String>,
    /// How many samples may be sent; any number where none is named.
    pub budget: Option<u64>,
    /// How long one request may take.
    pub timeout: Duration,
    /// How long to wait before a request is sent again that was not answered, not in time, or answered
    /// with 408, 429 or 500 and above; five times as long before the next. After three requests that is an
    /// error.
    pub pause: Duration,
    /// The most bytes of one answer.
    pub answer: u64,
    /// The most bytes of memory that its JSON may take once it is read.
    pub memory: u64,
    /// The most samples of one request.
    pub batch: usize,
    /// The output to read of several, in the Open Inference Protocol; by default the first that
    /// scores classes, else the first.
    pub output: Option<String>,
    /// The names of the classes 0, 1, ..., for answers in texts.
    pub classes: Option<Vec<String>>,
    /// Where a line of JSON for each request goes: `query` its number, `samples` how many,
    /// `inputs` and `answer` their SHA-256 (of the floats in little-endian order, and of the body),
    /// `status` that of HTTP or null.
    pub log: Option<Box<dyn Write + Send>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            form: None,
            allow_host: None,
            budget: None,
            timeout: Duration::from_secs(30),
            pause: Duration::from_millis(200),
            answer: 64 << 20,
            memory: 512 << 20,
            batch: 128,
            output: None,
            classes: None,
            log: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("form", &self.form)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

/// A model behind HTTP.
#[derive(Debug)]
pub struct Endpoint {
    agent: Agent,
    url: String,
    form: Form,
    /// The shape of one sample.
    shape: Vec<usize>,
    /// What the server says of its input, in the Open Inference Protocol.
    input: Option<open_inference::Input>,
    options: Options,
    budget: Budget,
}

impl Endpoint {
    /// Find an endpoint for samples of a shape.
    ///
    /// # Errors
    /// Where the URL is no plain HTTP, names another machine than the user did, or the server does
    /// not say what its input is.
    pub fn new(url: &str, shape: &[usize], options: Options) -> Result<Self> {
        let address = Address::read(url, options.allow_host.as_deref())?;
        let form = options.form.unwrap_or_else(|| address.form());
        let config = Agent::config_builder()
            .timeout_global(Some(options.timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .max_response_header_size(64 << 10)
            // Shorter than servers keep connections, so that none is used that they have closed.
            .max_idle_age(Duration::from_secs(2))
            .user_agent("modelward")
            .build();
        let mut endpoint = Self {
            agent: config.new_agent(),
            url: address.url,
            form,
            shape: shape.to_vec(),
            input: None,
            budget: Budget::new(options.budget),
            options,
        };
        if form == Form::OpenInference {
            let model = endpoint.url.strip_suffix("/infer").unwrap_or(&endpoint.url).to_owned();
            let metadata = endpoint
                .metadata(&model)
                .map_err(|trouble| trouble.at(|| format!("metadata of {model}")))?;
            let input = open_inference::Input::read(&metadata, shape)?;
            if input.one {
                endpoint.options.batch = 1;
            }
            endpoint.input = Some(input);
            endpoint.url = format!("{model}/infer");
        }
        Ok(endpoint)
    }

    /// Samples sent so far.
    pub fn sent(&self) -> u64 {
        self.budget.sent()
    }

    /// Samples that may still be sent; `None` where there is no end.
    pub fn left(&self) -> Option<u64> {
        self.budget.left()
    }

    /// Keep back so many samples of the budget: a request that is not answered is not sent again at
    /// their expense.
    pub fn keep(&mut self, samples: u64) {
        self.budget.keep(samples);
    }

    /// Ask about a batch `[n, sample]`.
    ///
    /// # Errors
    /// [`Failure::Spent`] where the budget does not suffice for all of it: then nothing is sent.
    /// Otherwise where the batch is no whole number of samples or not finite, the server cannot be
    /// reached, takes too long, says too much, or answers something else than one of each sample.
    pub fn scores(&mut self, batch: &[f32]) -> std::result::Result<Answer, Failure> {
        let width = self.shape.iter().product::<usize>().max(1);
        if !batch.len().is_multiple_of(width) {
            let got = batch.len();
            let why = format!("expected samples of {width} numbers each, got {got} numbers");
            return Err(Trouble::new(Kind::Input, why).into());
        }
        if batch.iter().any(|value| !value.is_finite()) {
            let why = "JSON has no number for NaN or infinity";
            return Err(Trouble::new(Kind::Input, why).into());
        }
        self.budget.admit(batch.len() / width)?;
        let mut answers: Option<Answer> = None;
        let mut behind = batch.len() / width;
        for part in batch.chunks(width.saturating_mul(self.options.batch.max(1))) {
            let samples = part.len() / width;
            behind -= samples;
            let answer = self.insist(part, samples, behind)?;
            answers = Some(match answers {
                None => answer,
                Some(before) => before.and(answer)?,
            });
        }
        Ok(answers.unwrap_or(Answer::Labels(Vec::new())))
    }

    /// What the server says of its model, asked for again as a sample is.
    fn metadata(&self, model: &str) -> Result<Value> {
        let mut pause = self.options.pause;
        let ask = || {
            let (status, body) = self.heard(self.agent.get(model).call())?;
            json(status, &body, self.options.memory)
        };
        let first = ask();
        for _ in 1..ATTEMPTS {
            if !matches!(&first, Err(trouble) if trouble.kind == Kind::System) {
                break;
            }
            thread::sleep(pause);
            pause *= 5;
            match ask() {
                Err(trouble) if trouble.kind == Kind::System => {}
                done => return done,
            }
        }
        first
    }

    /// One request, and the same again where the server was not able to answer it, as long as the
    /// budget also suffices for what comes `behind` it.
    fn insist(
        &mut self,
        part: &[f32],
        samples: usize,
        behind: usize,
    ) -> std::result::Result<Answer, Failure> {
        let mut pause = self.options.pause;
        let mut first = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.budget.admit_again(samples.saturating_add(behind))?;
                thread::sleep(pause);
                pause *= 5;
            }
            match self.ask(part, samples) {
                Err(trouble) if trouble.kind == Kind::System => {
                    first.get_or_insert(trouble);
                }
                done => return Ok(done?),
            }
        }
        // What it said first says more than that it is gone by now.
        Err(first.unwrap_or_else(|| Trouble::new(Kind::System, "no request was sent")).into())
    }

    /// One request.
    fn ask(&mut self, part: &[f32], samples: usize) -> Result<Answer> {
        let body = match (&self.input, self.form) {
            (Some(input), _) => input.request(part, samples)?,
            (None, Form::Instances) => rows::request("instances", part, &self.shape),
            (None, _) => rows::request("x", part, &self.shape),
        };
        let inputs = part.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        let sent = self.budget.send(samples);
        let request = self.agent.post(&self.url).header("content-type", "application/json");
        let heard = self.heard(request.send(body.to_string()));
        if let Some(log) = &mut self.options.log {
            let record = Record {
                query: sent,
                samples,
                inputs: digest(&inputs),
                answer: heard.as_ref().ok().map(|(_, body)| digest(body)),
                status: heard.as_ref().ok().map(|(status, _)| *status),
            };
            record.write(log)?;
        }
        let (status, body) = heard?;
        let value = json(status, &body, self.options.memory)?;
        let classes = self.options.classes.as_deref();
        match self.form {
            Form::OpenInference => {
                open_inference::answer(&value, samples, self.options.output.as_deref(), classes)
            }
            Form::Instances | Form::Simple => rows::answer(&value, samples, classes),
        }
    }

    /// The status and the body of an answer, within the limits.
    fn heard(
        &self,
        response: std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<(u16, Vec<u8>)> {
        let url = &self.url;
        let failed = |error: ureq::Error| match error {
            ureq::Error::BodyExceedsLimit(limit) => {
                Trouble::limit(format!("`{url}` answers more than the limit of {limit} bytes"))
            }
            ureq::Error::Timeout(_) => {
                let seconds = self.options.timeout.as_secs_f64();
                Trouble::new(Kind::System, format!("`{url}` gave no answer within {seconds} s"))
            }
            error => Trouble::new(Kind::System, format!("cannot ask `{url}`: {error}")),
        };
        let mut response = response.map_err(failed)?;
        let status = response.status().as_u16();
        let limit = self.options.answer;
        let body = response.body_mut().with_config().limit(limit).read_to_vec().map_err(failed)?;
        Ok((status, body))
    }
}

/// The JSON of an answer that is one, within so many bytes of memory.
fn json(status: u16, body: &[u8], memory: u64) -> Result<Value> {
    let shown = || String::from_utf8_lossy(body).chars().take(200).collect::<String>();
    match status {
        200..300 => {}
        300..400 => {
            let why =
                format!("the server sends us elsewhere (status {status}); that is not followed");
            return Err(Trouble::new(Kind::Outside, why).help("give the URL where the model is"));
        }
        _ => {
            let why = format!("the server answers with status {status}: `{}`", shown());
            let kind = match status {
                408 | 429 | 500.. => Kind::System,
                _ => Kind::Input,
            };
            return Err(Trouble::new(kind, why));
        }
    }
    metered::read(body, memory).map_err(|refused| match refused {
        metered::Refused::Over => {
            let why =
                format!("the answer takes more than {memory} bytes of memory once it is read");
            Trouble::limit(why)
        }
        metered::Refused::Json(error) => {
            let why = format!("expected an answer in JSON, got `{}`: {error}", shown());
            Trouble::new(Kind::Malformed, why)
        }
    })
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How often one request is sent, at most.
const ATTEMPTS: usize = 3;

#[cfg(test)]
mod tests;
