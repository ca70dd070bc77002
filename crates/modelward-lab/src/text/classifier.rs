//! An ONNX classifier of texts with its tokenizer: what a text is given as deployed.
//!
//! Texts are run together with those that have as many tokens; where padding demonstrably changes
//! nothing, with those that have nearly as many. So what a text is given hangs on that text alone.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use modelward_engine::{
    Element, Kind, Model, Result, Tensor, Trouble,
    exec::{How, Session},
    feed::Fed,
    graph::{Dimension, Graph, ValueId},
};

use crate::{
    text::tokenizer::{Padding, Tokenizer, Tokens},
    victim::{
        Answers,
        scores::{Columns, batch_of_two, floats, missing, scores, single, with_outputs},
    },
};

/// A classifier of texts.
#[derive(Debug)]
pub struct Classifier {
    tokenizer: Tokenizer,
    graph: Arc<Graph>,
    how: How,
    inputs: Vec<Input>,
    columns: Columns,
    padding: Padding,
    /// The number of texts that the file was exported for, where it takes no other.
    batch: Option<usize>,
    /// Lengths are rounded up to a multiple of this.
    step: usize,
    sessions: HashMap<usize, Session>,
    alone: HashMap<usize, Session>,
}

/// One input of the graph.
#[derive(Clone, Copy, Debug)]
struct Input {
    id: ValueId,
    element: Element,
    role: Role,
}

/// What an input holds for each token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Ids,
    Mask,
    Kinds,
    Places,
}

/// Lengths are rounded up to a multiple of this where padding changes nothing.
const STEP: usize = 8;

/// Texts that are run at once.
const TOGETHER: usize = 32;

/// The most lengths whose programs are kept.
const KEPT: usize = 64;

impl Classifier {
    /// Take a model and its tokenizer; `sample` is a text that it is tried on.
    ///
    /// # Errors
    /// Where the model takes something else than tokens, gives no scores, or cannot be run.
    pub fn new(model: &Model, mut tokenizer: Tokenizer, sample: &str, how: How) -> Result<Self> {
        let inputs = roles(model)?;
        let dims = |at: usize| {
            let declared =
                inputs.first().and_then(|input| model.graph.value(input.id).declared.as_ref());
            match declared
                .and_then(|declared| declared.dims.as_deref())
                .and_then(|dims| dims.get(at))
            {
                Some(Dimension::Fixed(size)) => Some(*size),
                _ => None,
            }
        };
        let (fixed, length) = (dims(0), dims(1));
        let mut padding = tokenizer.padding();
        if let Some(length) = length {
            tokenizer.cut_to(length)?;
            padding.length = Some(length);
        }
        let mut classifier = Self {
            graph: Arc::new(model.graph.clone()),
            tokenizer,
            how,
            inputs,
            columns: Columns::Logit,
            padding,
            batch: fixed,
            step: 1,
            sessions: HashMap::new(),
            alone: HashMap::new(),
        };
        let tokens = classifier.tokenizer.tokens(sample)?;
        let length = classifier.length(&tokens, 1);
        let count = fixed.unwrap_or(1).max(1);
        let one = classifier.fed(&vec![&tokens; count], length)?;
        let fits = |trouble: Trouble| {
            let help = "is this the tokenizer that the model was trained with? a shorter text may fit: `--max-length`";
            if trouble.help.is_some() { trouble } else { trouble.help(help) }
        };
        let (id, columns) = scores(model, &one, &how.limits).map_err(fits)?;
        let columns = match columns {
            // Several texts at once in a file that takes no fewer.
            Columns::Classes(all) if count > 1 => match all / count {
                0 | 1 => single(model, id),
                each => Columns::Classes(each),
            },
            other => other,
        };
        let logits = match columns {
            Columns::Classes(_) | Columns::Probability => model.logits(id),
            Columns::Logit => id,
        };
        let mut graph = with_outputs(&model.graph, &[id, logits]);
        graph.prune();
        // What the scores do not need is no longer an input.
        let used = graph.inputs.clone();
        classifier.inputs.retain(|input| used.contains(&input.id));
        classifier.graph = Arc::new(graph);
        classifier.columns = columns;
        if classifier.batch.is_none() {
            let [one, two] = [1, 2].map(|count| classifier.fed(&vec![&tokens; count], length));
            let session = batch_of_two(&classifier.graph, &one?, &two?, how);
            classifier.batch = session.is_none().then_some(1);
            classifier.sessions.extend(session.map(|session| (length, session)));
        }
        if classifier.takes_padding(&tokens)? {
            classifier.step = STEP;
            classifier.sessions.clear();
        }
        Ok(classifier)
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// How many classes there are, two or more.
    pub fn classes(&self) -> usize {
        self.columns.count().max(2)
    }

    /// The answers to texts, in their order.
    ///
    /// # Errors
    /// Where the model cannot be run on them.
    pub fn ask(&mut self, texts: &[&Tokens]) -> Result<Answers> {
        let mut by_length = BTreeMap::<usize, Vec<usize>>::new();
        for (at, tokens) in texts.iter().enumerate() {
            by_length.entry(self.length(tokens, self.step)).or_default().push(at);
        }
        let classes = self.classes();
        let mut labels = vec![0; texts.len()];
        let mut scores = vec![0.0; texts.len() * classes];
        let together = self.batch.unwrap_or(TOGETHER).max(1);
        for (length, places) in by_length {
            for places in places.chunks(together) {
                let rows = places.iter().map(|&at| texts[at]).collect::<Vec<_>>();
                let answers = self.run(&rows, length)?;
                for (row, &at) in places.iter().enumerate() {
                    labels[at] = answers.labels[row];
                    scores[at * classes..][..classes]
                        .copy_from_slice(&answers.scores[row * classes..][..classes]);
                }
            }
        }
        Ok(Answers { labels, scores })
    }

    /// The answer to one text by itself, at its own length.
    ///
    /// # Errors
    /// Where the model cannot be run on it.
    pub fn ask_alone(&mut self, tokens: &Tokens) -> Result<Answers> {
        let length = self.length(tokens, 1);
        let count = self.batch.unwrap_or(1).max(1);
        let fed = self.fed(&vec![tokens; count], length)?;
        if self.alone.len() >= KEPT {
            self.alone.clear();
        }
        let session = match self.alone.remove(&length) {
            Some(session) => session,
            None => Session::new(self.graph.clone(), &fed, self.how)?,
        };
        self.answers(session, fed, 1).map(|(answers, session)| {
            self.alone.insert(length, session);
            answers
        })
    }

    /// Run texts that are given this length together.
    fn run(&mut self, rows: &[&Tokens], length: usize) -> Result<Answers> {
        // Few sizes of a batch, so that few programs are made: the last text stands for what lacks.
        let size = self.batch.unwrap_or_else(|| {
            [1, 4, 16].into_iter().find(|size| *size >= rows.len()).unwrap_or(TOGETHER)
        });
        let Some(&last) = rows.last() else { return Ok(Answers::default()) };
        let mut filled = rows.to_vec();
        filled.resize(size.max(rows.len()), last);
        let fed = self.fed(&filled, length)?;
        if self.sessions.len() >= KEPT {
            self.sessions.clear();
        }
        let session = match self.sessions.remove(&length) {
            Some(session) => session,
            None => self.session(last, length)?,
        };
        let (answers, session) = self.answers(session, fed, rows.len())?;
        self.sessions.insert(length, session);
        Ok(answers)
    }

    /// A session for texts of a length.
    fn session(&self, tokens: &Tokens, length: usize) -> Result<Session> {
        // Two examples tell what holds the batch.
        let count = self.batch.unwrap_or(2).max(1);
        Session::new(self.graph.clone(), &self.fed(&vec![tokens; count], length)?, self.how)
    }

    fn answers(&self, mut session: Session, fed: Fed, count: usize) -> Result<(Answers, Session)> {
        let rows = fed.first().and_then(|(_, tensor)| tensor.dims().first().copied()).unwrap_or(0);
        let given = fed.into_iter().map(|(_, tensor)| tensor).collect::<Vec<_>>();
        let outputs = session.run(&given)?;
        let [scores, logits] = &outputs[..] else { return Err(missing()) };
        let columns = self.columns.count();
        let [scores, logits] = [floats(scores)?, floats(logits)?];
        if [scores.len(), logits.len()] != [rows * columns; 2] {
            return Err(Trouble::unsupported(format!(
                "expected {columns} scores for each of {rows} texts, got {}",
                scores.len()
            ))
            .help("a classifier gives a score for each class of a text; one that labels each token is none"));
        }
        let labels = scores.chunks_exact(columns).take(count).map(|row| self.columns.class(row));
        let labels = labels.collect();
        let logits = logits.iter().take(count * columns);
        let scores = match self.columns {
            Columns::Classes(_) => logits.copied().collect(),
            Columns::Probability | Columns::Logit => {
                logits.flat_map(|&logit| [0.0, logit]).collect()
            }
        };
        session.reuse(outputs);
        Ok((Answers { labels, scores }, session))
    }

    /// The length that a text is given, where lengths are multiples of `step`.
    fn length(&self, tokens: &Tokens, step: usize) -> usize {
        let own = tokens.ids.len().max(1);
        let rounded = own.next_multiple_of(step).min(self.tokenizer.most().max(own));
        self.padding.length.map_or(rounded, |length| length.max(own))
    }

    /// Whether a text that is padded has the same scores as without.
    fn takes_padding(&mut self, tokens: &Tokens) -> Result<bool> {
        let has_mask = self.inputs.iter().any(|input| input.role == Role::Mask);
        let own = self.length(tokens, 1);
        if !has_mask || self.padding.length.is_some() || own + STEP > self.tokenizer.most() {
            return Ok(false);
        }
        let plain = self.run(&[tokens], own)?;
        // A padded length may be one that the model has no places for.
        let Ok(padded) = self.run(&[tokens], own + STEP - 1) else { return Ok(false) };
        let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * (1.0 + b.abs());
        Ok(plain.scores.iter().zip(&padded.scores).all(close))
    }

    /// The inputs of the graph for texts of one length.
    fn fed(&self, rows: &[&Tokens], length: usize) -> Result<Fed> {
        let dims = [rows.len(), length];
        let fed = |input: &Input| -> Result<(ValueId, Arc<Tensor>)> {
            let row = |tokens: &&Tokens| self.row(input.role, tokens, length);
            let values = rows.iter().flat_map(row).collect::<Vec<i64>>();
            let tensor = Tensor::new(dims, values)?;
            let is_own = input.element == Element::I64;
            let tensor = if is_own { tensor } else { tensor.cast(input.element)? };
            Ok((input.id, Arc::new(tensor)))
        };
        // In the order of the graph's inputs, as a session takes them.
        self.inputs.iter().map(fed).collect()
    }

    fn row(&self, role: Role, tokens: &Tokens, length: usize) -> Vec<i64> {
        let Padding { id, kind, before, .. } = self.padding;
        let own = tokens.ids.len().min(length);
        let (content, fill): (Vec<i64>, i64) = match role {
            Role::Ids => (tokens.ids.iter().map(|&id| id.into()).collect(), id.into()),
            Role::Kinds => (tokens.kinds.iter().map(|&kind| kind.into()).collect(), kind.into()),
            Role::Mask => (vec![1; own], 0),
            Role::Places => return (0..length as i64).collect(),
        };
        let content = content.into_iter().take(own);
        let fill = std::iter::repeat_n(fill, length - own);
        if before { fill.chain(content).collect() } else { content.chain(fill).collect() }
    }
}

/// What each input of a model holds, by its name.
fn roles(model: &Model) -> Result<Vec<Input>> {
    let graph = &model.graph;
    let count = graph.inputs.len();
    let input = |&id: &ValueId| -> Result<Input> {
        let value = graph.value(id);
        let element = value.declared.as_ref().map_or(Element::I64, |declared| declared.element);
        let name = &*value.name;
        if element == Element::Text {
            return Err(Trouble::unsupported(
                "expected a model that takes tokens, got one that takes strings",
            )
            .help("export the part behind the tokenizer, and give its file with `--tokenizer`"));
        }
        let lower = name.to_ascii_lowercase();
        let role = match lower.as_str() {
            _ if lower.contains("mask") => Some(Role::Mask),
            _ if lower.contains("type") || lower.contains("segment") => Some(Role::Kinds),
            _ if lower.contains("position") => Some(Role::Places),
            _ if lower.contains("id") || lower.contains("token") || count == 1 => Some(Role::Ids),
            _ => None,
        };
        let is_mask = role == Some(Role::Mask);
        let is_whole = matches!(element, Element::I64 | Element::I32);
        match role {
            Some(role) if is_whole || is_mask && (element.is_float() || element == Element::Bool) => {
                Ok(Input { id, element, role })
            }
            _ => Err(Trouble::unsupported(format!(
                "expected inputs such as `input_ids` and `attention_mask` in whole numbers, got `{name}` of {element}"
            ))
            .help("texts are for models of tokens; numbers are attacked with `--eps`")),
        }
    };
    let inputs = graph.inputs.iter().map(input).collect::<Result<Vec<_>>>()?;
    if inputs.iter().filter(|input| input.role == Role::Ids).count() != 1 {
        return Err(Trouble::new(Kind::Input, "expected one input of tokens, `input_ids`"));
    }
    Ok(inputs)
}
