//! What is known of a model, and by whom it is told.

use std::borrow::Cow;

use super::{licence::Licence, source::Source, weights::Table};

/// What is known of a model. What tensor tables hold was counted in the bytes; everything else is
/// declared by some file, which is named.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// The repository that it was had from.
    pub source: Option<Source>,
    /// What it is, in a sentence.
    pub description: Option<Declared<String>>,
    /// Its licences.
    pub licences: Vec<Licence>,
    /// What it is for: a task of the Hugging Face Hub, `text-generation`.
    pub task: Option<Declared<String>>,
    /// Family of architectures: `llama`, `gradient-boosted trees`.
    pub family: Option<Declared<String>>,
    /// Architecture: `LlamaForCausalLM`.
    pub architecture: Option<Declared<String>>,
    /// How it learnt: one of the five words of CycloneDX.
    pub approach: Option<Declared<String>>,
    /// What goes in.
    pub inputs: Vec<Declared<String>>,
    /// What comes out.
    pub outputs: Vec<Declared<String>>,
    /// Data sets that it was trained on.
    pub datasets: Vec<Declared<String>>,
    /// Models that it was made from.
    pub bases: Vec<Base>,
    /// Results that its card claims.
    pub metrics: Vec<Metric>,
    /// Tags of its card.
    pub tags: Vec<String>,
    /// All else.
    pub properties: Vec<Property>,
    /// The tensor tables of its files.
    pub tables: Vec<Table>,
    /// Which of the tables make up the model, by their place; others are further forms of it.
    pub counted: Vec<usize>,
    /// Files of which something could not be read, and why.
    pub gaps: Vec<(String, String)>,
}

/// A value and the file that declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared<T> {
    /// The value.
    pub value: T,
    /// The file.
    pub by: String,
}

/// A model that this one was made from, as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its name, as the file has it.
    pub name: String,
    /// Its repository, where the name is one.
    pub repository: Option<Source>,
    /// What was done to it: `finetune`, `adapter`, `quantized`, `merge`.
    pub relation: Option<String>,
    /// The file that declares it.
    pub by: String,
}

/// A result that a card claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// What was measured.
    pub kind: String,
    /// What it came to.
    pub value: Option<String>,
    /// Task and data.
    pub slice: Option<String>,
}

/// A fact that bills of materials have no field for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name, without `modelward:`.
    pub name: Cow<'static, str>,
    /// Its value.
    pub value: String,
    /// The file that declares it; `None` where it was counted.
    pub by: Option<String>,
}

impl<T> Declared<T> {
    pub(super) fn new(value: T, by: &str) -> Self {
        Self { value, by: by.into() }
    }
}

impl Facts {
    /// Note a property, unless it is known or there is no value.
    pub(super) fn property(&mut self, name: &str, value: Option<String>, by: Option<&str>) {
        if let Some(value) = value
            && !self.has(name)
        {
            let (name, by) = (Cow::Owned(name.to_owned()), by.map(Into::into));
            self.properties.push(Property { name, value, by });
        }
    }

    /// Whether a property of this name is known.
    pub(super) fn has(&self, name: &str) -> bool {
        self.properties.iter().any(|property| property.name == name)
    }

    /// Note a licence, once.
    pub(super) fn licence(&mut self, licence: Option<Licence>) {
        if let Some(licence) = licence
            && self.licences.iter().all(|known| known.term != licence.term)
        {
            self.licences.push(licence);
        }
    }
}
