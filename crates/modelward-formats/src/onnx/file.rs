//! A model file as something to judge: what its graphs use, what they take from elsewhere, and
//! where the file breaks its word.

use std::{ops::ControlFlow, sync::Arc};

use crate::{
    Asset, Budget, Bytes, Expects, Format, Gap, Part, Refusal, is_file_among_numbers,
    weights::{Flaw as WeightsFlaw, FlawKind as WeightsFlawKind, Text, Weights},
};

use super::{
    Limits, Model, Span,
    external::External,
    flaw::Flaw,
    survey::{Operator, survey},
    wire::{Content, Wire},
};

/// ONNX models.
pub const FORMAT: Format = Format { name: "onnx", read };

/// A model file, judged by nobody yet.
#[derive(Debug)]
pub struct File {
    /// The whole file.
    pub bytes: Bytes,
    /// Operators in use, each once, by domain and name.
    pub operators: Vec<Operator>,
    /// Functions that the file defines.
    pub functions: Vec<Operator>,
    /// Data that lie in other files, under names that stay in the folder.
    pub externals: Vec<External>,
    /// Rules of the format that the file breaks.
    pub flaws: Vec<Flaw>,
    /// Its metadata as texts, and bytes that belong to no field of ONNX.
    pub texts: Weights,
    /// What was not proven sound.
    gaps: Vec<Refusal>,
    /// Pieces of it that are files of their own.
    hidden: Vec<(String, Bytes)>,
}

impl Asset for File {
    fn format(&self) -> &'static str {
        FORMAT.name
    }

    fn gaps(&self) -> Vec<Refusal> {
        self.gaps.clone()
    }

    fn facet(&self) -> Option<&dyn Asset> {
        Some(&self.texts)
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        let texts = self.texts.texts.iter().filter_map(|text| {
            let file = is_file_among_numbers(&text.bytes).then_some(Expects::Data);
            let (name, bytes) = (text.key.to_string(), Ok(text.bytes.clone()));
            text.expects().or(file).map(|expects| Part { name, bytes, expects })
        });
        let hidden = self.hidden.iter().map(|(name, bytes)| Part {
            name: name.clone(),
            bytes: Ok(bytes.clone()),
            expects: Expects::Data,
        });
        let _ = texts.chain(hidden).try_for_each(visit);
    }
}

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let outline = outline(bytes)?;
    let file = outline.and_then(|outline| judged(bytes, outline, budget));
    Some(file.map(|file| Box::new(file) as Box<dyn Asset>))
}

fn judged(bytes: &Bytes, outline: Outline, budget: &Arc<Budget>) -> Result<File, Refusal> {
    let held = budget.limits().memory / 4;
    let limits = Limits { items: MOST_ITEMS, held, ..Limits::default() };
    let model = super::read(&bytes.slice(0, outline.end)?, &limits)?;
    let found = survey(&model, bytes, budget)?;
    let mut gaps = found.gaps;
    let mut hidden = found.hidden;
    let mut unowned = Vec::new();
    if let Some(refusal) = outline.broken {
        let why = format!("bytes behind the end of the model: {}", refusal.why);
        gaps.push(Refusal::new(refusal.at, Gap::Malformed, why));
    }
    if outline.end < bytes.len() {
        unowned.push((outline.end..bytes.len(), "bytes behind the end of the model".to_owned()));
        let foreign = outline.foreign.iter().filter_map(|span| {
            let piece = bytes.slice(span.start, length(span)).ok()?;
            Some((format!("bytes {:#x} to {:#x}", span.start, span.end), piece))
        });
        hidden.extend(foreign);
    }
    for field in model.unknown.iter().filter(|field| !field.span.is_empty()) {
        let what = format!("field {} is none of ONNX's", field.number);
        unowned.push((field.span.clone(), what));
    }
    let mut texts = texts(&model, bytes);
    for (span, what) in unowned {
        let length = length(&span);
        if let Ok(piece) = bytes.slice(span.start, length) {
            hidden.push((format!("bytes {:#x} to {:#x}", span.start, span.end), piece));
        }
        if length >= SMALLEST_UNOWNED {
            let why = format!("{what}: {length} bytes that belong to nothing");
            let (kind, at) = (WeightsFlawKind::Unowned, span.start);
            texts.flaws.push(WeightsFlaw { kind, at, why });
        }
    }
    for span in &model.remarks {
        budget.tick(span.start)?;
        if let Ok(piece) = bytes.slice(span.start, length(span))
            && is_file_among_numbers(&piece)
        {
            hidden.push((format!("bytes {:#x} to {:#x}", span.start, span.end), piece));
        }
    }
    let (operators, functions) = (found.operators, found.functions);
    let (externals, flaws, bytes) = (found.externals, found.flaws, bytes.clone());
    Ok(File { bytes, operators, functions, externals, flaws, texts, gaps, hidden })
}

/// The metadata.
fn texts(model: &Model, bytes: &Bytes) -> Weights {
    let text = |((key, value), at): (&(String, String), &u64)| Text {
        key: key.as_str().into(),
        at: *at,
        bytes: Bytes::from(value.as_bytes()),
    };
    let producer =
        [("producer_name", &model.producer), ("producer_version", &model.producer_version)];
    let producer = producer
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| Text { key: key.into(), at: 0, bytes: Bytes::from(value.as_bytes()) });
    Weights {
        format: FORMAT.name,
        bytes: bytes.clone(),
        big_endian: false,
        tensors: Vec::new(),
        texts: model.metadata.iter().zip(&model.metadata_at).map(text).chain(producer).collect(),
        flaws: Vec::new(),
        unowned: Vec::new(),
        gaps: Vec::new(),
    }
}

/// The fields of a file from its start, up to where they are none any more.
struct Outline {
    /// Where the last of them ends that ONNX has.
    end: u64,
    /// The content of fields behind that.
    foreign: Vec<Span>,
    /// Why what follows is no message.
    broken: Option<Refusal>,
}

/// Where a model ends that begins with these bytes; `None` where they are no model.
pub(super) fn outline_end(bytes: &Bytes) -> Option<Result<u64, Refusal>> {
    Some(outline(bytes)?.map(|outline| outline.end))
}

/// Whether a file is a model: a version and a graph, and either nothing that ONNX does not have, or
/// what is a graph in truth.
fn outline(bytes: &Bytes) -> Option<Result<Outline, Refusal>> {
    let limits = Limits::default();
    let mut wire = Wire::new(bytes, &limits);
    let (mut version, mut graph, mut foreign, mut broken) = (false, None, Vec::new(), None);
    let mut end = 0;
    while wire.position() < bytes.len() {
        let at = wire.position();
        let read = wire.field(bytes.len()).and_then(|field| {
            let start = wire.position();
            wire.skip(field)?;
            Ok((field, start..wire.position()))
        });
        let (field, span) = match read {
            Ok(read) => read,
            Err(refusal) => {
                // The graph is most of a model, so a file that was cut ends within it.
                if version
                    && graph.is_none()
                    && foreign.is_empty()
                    && begins_graph(bytes, at, &limits)
                {
                    return Some(Err(refusal));
                }
                broken = Some(refusal);
                break;
            }
        };
        let text = matches!(field.content, Content::Length(_));
        let number = matches!(field.content, Content::Varint(_));
        match field.number {
            1 if number => version = true,
            7 if text => graph = graph.or(Some(span)),
            5 if number => {}
            2..=4 | 6 | 8 | 14 | 20 | 25 | 26 if text => {}
            // Nothing of ONNX begins like this.
            _ if !version && graph.is_none() => return None,
            _ => {
                // Those between fields of ONNX are the reader's to note.
                foreign.push(span);
                foreign.truncate(MOST_FOREIGN);
                continue;
            }
        }
        end = wire.position();
    }
    let graph = graph.filter(|_| version)?;
    let clear = foreign.is_empty() && broken.is_none();
    foreign.retain(|span| span.start >= end);
    (clear || is_graph(bytes, &graph, &limits)).then_some(Ok(Outline { end, foreign, broken }))
}

/// Whether a graph begins at an offset, with a length that the file does not have.
fn begins_graph(bytes: &Bytes, at: u64, limits: &Limits) -> bool {
    let rest = bytes.tail(at);
    let mut wire = Wire::new(&rest, limits);
    let tag = wire.varint() == Ok(7 << 3 | 2) && wire.varint().is_ok();
    let start = at.saturating_add(wire.position());
    tag && is_graph(bytes, &(start..bytes.len()), limits)
}

/// Whether the first fields of a message are those of a graph, as far as the file has them.
fn is_graph(bytes: &Bytes, span: &Span, limits: &Limits) -> bool {
    let Ok(graph) = bytes.slice(span.start, length(span)) else { return false };
    let mut wire = Wire::new(&graph, limits);
    for looked in 0..LOOKED_AT {
        if wire.position() >= graph.len() {
            return looked > 0;
        }
        let Ok(field) = wire.field(graph.len()) else { return looked > 0 };
        let known = matches!(field.number, 1 | 2 | 5 | 10..=16);
        if !known || !matches!(field.content, Content::Length(_)) || wire.skip(field).is_err() {
            return false;
        }
    }
    true
}

fn length(span: &Span) -> u64 {
    span.end.saturating_sub(span.start)
}

/// Nodes, tensors and names of one model: the largest in use have some hundred thousand.
const MOST_ITEMS: u64 = 1_000_000;

/// Unknown fields that are shorter are read, and are no finding by themselves.
const SMALLEST_UNOWNED: u64 = 16;

/// How many unknown fields behind the end of a model are looked at one by one.
const MOST_FOREIGN: usize = 64;

/// How many fields of a graph are looked at.
const LOOKED_AT: usize = 64;
