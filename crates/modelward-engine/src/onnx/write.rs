//! A model with new weights: the bytes of its file, but for the numbers that change and the
//! lengths of the messages around them. Names, order, metadata and fields that nobody here knows
//! stay as they are.
//!
//! Typed data become raw data. External data come into the file, so that it stands by itself; those
//! of constants inside nodes are refused.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use modelward_formats::{
    Bytes, Cursor,
    onnx::{self, AttributeValue, Span},
};

use crate::{
    Kind, Model, Result, Tensor, Trouble,
    graph::{ValueId, shorten},
    onnx::encode::{self, Message},
};

impl Model {
    /// Write the model with other numbers for some of its weights, in the element types that the
    /// file has. Without any, and without external data, the file is the same byte for byte.
    ///
    /// # Errors
    /// Where a value is no weight of the model or a tensor has another shape, where external data
    /// are elsewhere than in initializers, where the file would be of 2 GiB or more, or where it
    /// cannot be written.
    pub fn write(&self, path: &Path, weights: &BTreeMap<ValueId, Tensor>) -> Result<()> {
        let edits = self.edits(weights)?;
        encode::save(path, edits.length(self.bytes()), |out| edits.write(self.bytes(), out))
    }

    /// The file of the model as it was read, with its external data inside.
    ///
    /// # Errors
    /// As [`Model::write`], but for what comes of writing.
    pub fn standalone(&self) -> Result<Vec<u8>> {
        let edits = self.edits(&BTreeMap::new())?;
        encode::bytes(edits.length(self.bytes()), |out| edits.write(self.bytes(), out))
    }

    fn edits(&self, weights: &BTreeMap<ValueId, Tensor>) -> Result<Edits> {
        let file = onnx::read(self.bytes(), &onnx::Limits::default())?;
        let graph = file.graph.as_ref().ok_or_else(|| Trouble::graph("the model has no graph"))?;
        let functions = file.functions.iter().map(|function| &function.nodes[..]);
        inside(functions.chain([&graph.nodes[..]]).collect())?;
        let known = self.weights.iter().copied().collect::<HashSet<_>>();
        let mut named: HashMap<&str, Arc<Tensor>> = HashMap::new();
        for (&id, tensor) in weights {
            let value = self.graph.values.get(id.index());
            let old = value.and_then(|value| value.constant.as_ref());
            let (Some(value), Some(old), true) = (value, old, known.contains(&id)) else {
                let name = value.map(|value| shorten(&value.name)).unwrap_or_default();
                return Err(Trouble::new(Kind::Input, format!("`{name}` is no weight")));
            };
            if old.dims() != tensor.dims() {
                let (expected, got, name) = (old.kind(), tensor.kind(), shorten(&value.name));
                let why = format!("expected {expected} for the weight `{name}`, got {got}");
                return Err(Trouble::new(Kind::Input, why));
            }
            named.insert(&value.name, Arc::new(tensor.cast(old.element())?));
        }
        // An initializer comes before whatever else has its name, inside functions.
        let mut constants: HashMap<&str, &Arc<Tensor>> = HashMap::new();
        for value in &self.graph.values {
            if let Some(constant) = &value.constant {
                constants.entry(&value.name).or_insert(constant);
            }
        }
        let mut new = HashMap::new();
        for tensor in &graph.initializers {
            let external = matches!(tensor.data, onnx::Data::External(_));
            let kept = || constants.get(&*tensor.name).map(|&kept| kept.clone());
            let given = named.get(&*tensor.name).cloned();
            if let Some(given) = given.or_else(|| kept().filter(|_| external)) {
                new.insert(tensor.at, (given, external));
            }
        }
        let mut edits = Edits::default();
        edits.model(self.bytes(), &new)?;
        Ok(edits)
    }
}

/// Refuse external data inside nodes.
fn inside(mut left: Vec<&[onnx::Node]>) -> Result<()> {
    while let Some(nodes) = left.pop() {
        for attribute in nodes.iter().flat_map(|node| &node.attributes) {
            let tensors = match &attribute.value {
                AttributeValue::Tensor(tensor) => std::slice::from_ref(&**tensor),
                AttributeValue::Tensors(tensors) => tensors,
                AttributeValue::Graph(graph) => {
                    left.push(&graph.nodes);
                    &graph.initializers
                }
                AttributeValue::Graphs(graphs) => {
                    left.extend(graphs.iter().map(|graph| &graph.nodes[..]));
                    let mut tensors = graphs.iter().flat_map(|graph| &graph.initializers);
                    if tensors.any(|tensor| matches!(tensor.data, onnx::Data::External(_))) {
                        return Err(elsewhere());
                    }
                    continue;
                }
                _ => continue,
            };
            if tensors.iter().any(|tensor| matches!(tensor.data, onnx::Data::External(_))) {
                return Err(elsewhere());
            }
        }
    }
    Ok(())
}

fn elsewhere() -> Trouble {
    Trouble::unsupported("a node has its data in another file: the model cannot be written")
}

/// What is written in place of ranges of a file, in their order.
#[derive(Debug, Default)]
struct Edits {
    edits: Vec<(Span, Message)>,
}

impl Edits {
    /// New tensors in place of those of the model that begin at these offsets.
    fn model(&mut self, bytes: &Bytes, new: &HashMap<u64, (Arc<Tensor>, bool)>) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let mut walk = Walk { cursor: bytes.cursor() };
        while walk.cursor.left() > 0 {
            let field = walk.field()?;
            let (7, Some(graph)) = (field.number, field.content.clone()) else { continue };
            let mut tensors = Self::default();
            walk.cursor.seek(graph.start);
            while walk.cursor.position() < graph.end {
                let field = walk.field()?;
                if let (5, Some((tensor, external))) = (field.number, new.get(&field.at)) {
                    let mut edits = Self::default();
                    edits.tensor(&mut walk, &field, tensor, *external)?;
                    tensors.inside(&field, edits);
                }
            }
            self.inside(&field, tensors);
        }
        Ok(())
    }

    /// New elements in place of those of a tensor.
    fn tensor(
        &mut self,
        walk: &mut Walk<'_>,
        tensor: &Field,
        new: &Arc<Tensor>,
        external: bool,
    ) -> Result<()> {
        let content = tensor.content.clone().unwrap_or_default();
        walk.cursor.seek(content.start);
        let mut written = false;
        while walk.cursor.position() < content.end {
            let field = walk.field()?;
            let data = matches!(field.number, 4..=7 | 9..=11)
                || external && matches!(field.number, 13 | 14);
            if !data {
                continue;
            }
            let mut elements = Message::default();
            if !std::mem::replace(&mut written, true) {
                elements.elements(9, new);
            }
            self.edits.push((field.at..field.end, elements));
        }
        Ok(())
    }

    /// Take in the edits of a message, whose length changes by theirs.
    fn inside(&mut self, field: &Field, inner: Self) {
        let content = field.content.clone().unwrap_or_default();
        let old = content.end.saturating_sub(content.start);
        let new = inner.grown(old);
        if new != old {
            let mut length = Message::default();
            length.varint(new);
            self.edits.push((field.prefix..content.start, length));
        }
        self.edits.extend(inner.edits);
    }

    /// What a length becomes.
    fn grown(&self, old: u64) -> u64 {
        self.edits.iter().fold(old, |length, (span, new)| {
            let gone = span.end.saturating_sub(span.start);
            length.saturating_add(new.length()).saturating_sub(gone)
        })
    }

    fn length(&self, bytes: &Bytes) -> u64 {
        self.grown(bytes.len())
    }

    /// Write the file with the edits.
    fn write(&self, bytes: &Bytes, out: &mut impl Write) -> io::Result<()> {
        let mut at = 0;
        for (span, new) in &self.edits {
            copy(bytes, at..span.start, out)?;
            new.write(out)?;
            at = span.end;
        }
        copy(bytes, at..bytes.len(), out)
    }
}

fn copy(bytes: &Bytes, span: Span, out: &mut impl Write) -> io::Result<()> {
    const STEP: u64 = 1 << 20;
    let mut at = span.start;
    while at < span.end {
        let step = span.end.saturating_sub(at).min(STEP);
        let part = bytes.take(at, step).map_err(|why| io::Error::other(why.to_string()))?;
        out.write_all(&part)?;
        at = at.saturating_add(step);
    }
    Ok(())
}

/// A field of a message, and where it lies.
#[derive(Clone, Debug)]
struct Field {
    number: u64,
    /// Offset of its tag.
    at: u64,
    /// Offset of its length, where it has one.
    prefix: u64,
    /// Its content, where it has a length.
    content: Option<Span>,
    end: u64,
}

/// Goes from field to field of a file that was read before: what is wrong with it was said then.
struct Walk<'a> {
    cursor: Cursor<'a>,
}

impl Walk<'_> {
    /// The next field; the cursor stands behind it.
    fn field(&mut self) -> Result<Field> {
        let at = self.cursor.position();
        let tag = self.varint()?;
        let prefix = self.cursor.position();
        let mut content = None;
        match tag & 7 {
            0 => _ = self.varint()?,
            1 => self.cursor.skip(8)?,
            2 => {
                let length = self.varint()?;
                let start = self.cursor.position();
                self.cursor.skip(length)?;
                content = Some(start..start.saturating_add(length));
            }
            5 => self.cursor.skip(4)?,
            _ => return Err(Trouble::new(Kind::Malformed, "a field of no known wire type")),
        }
        Ok(Field { number: tag >> 3, at, prefix, content, end: self.cursor.position() })
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.cursor.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Trouble::new(Kind::Malformed, "a number of more than ten bytes"))
    }
}
