//! Attributes of a node.

use std::sync::Arc;

use crate::{Result, Tensor, Trouble};

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A float.
    Float(f32),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(Arc<str>),
    /// A tensor.
    Tensor(Arc<Tensor>),
    /// Floats.
    Floats(Vec<f32>),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Texts.
    Texts(Vec<Arc<str>>),
    /// A graph, a type or tensors: what no operator here reads as an attribute.
    Other,
}

/// The attributes of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(Arc<str>, Attribute)>);

impl Attributes {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Attribute>) -> Self {
        self.set(name, value);
        self
    }

    /// Set one.
    pub fn set(&mut self, name: &str, value: impl Into<Attribute>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| &**known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.into(), value)),
        }
    }

    /// Take one out.
    pub fn take(&mut self, name: &str) -> Option<Attribute> {
        let at = self.0.iter().position(|(known, _)| &**known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// One by name.
    pub fn find(&self, name: &str) -> Option<&Attribute> {
        self.0.iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }

    /// A whole number, if it is there.
    ///
    /// # Errors
    /// Where it is of another type. So with the others below.
    pub fn int(&self, name: &str) -> Result<Option<i64>> {
        match self.find(name) {
            None => Ok(None),
            Some(Attribute::Int(value)) => Ok(Some(*value)),
            Some(_) => Err(wrong(name, "a whole number")),
        }
    }

    /// A whole number, or what it is by default.
    pub fn int_or(&self, name: &str, default: i64) -> Result<i64> {
        Ok(self.int(name)?.unwrap_or(default))
    }

    /// Whether a whole number is there and not 0.
    pub fn flag(&self, name: &str) -> Result<bool> {
        Ok(self.int(name)?.is_some_and(|value| value != 0))
    }

    /// A float, or what it is by default.
    pub fn float_or(&self, name: &str, default: f32) -> Result<f32> {
        match self.find(name) {
            None => Ok(default),
            Some(Attribute::Float(value)) => Ok(*value),
            Some(_) => Err(wrong(name, "a float")),
        }
    }

    /// Whole numbers, if they are there.
    pub fn ints(&self, name: &str) -> Result<Option<&[i64]>> {
        match self.find(name) {
            None => Ok(None),
            Some(Attribute::Ints(values)) => Ok(Some(values)),
            Some(_) => Err(wrong(name, "whole numbers")),
        }
    }

    /// Floats, if they are there.
    pub fn floats(&self, name: &str) -> Result<Option<&[f32]>> {
        match self.find(name) {
            None => Ok(None),
            Some(Attribute::Floats(values)) => Ok(Some(values)),
            Some(_) => Err(wrong(name, "floats")),
        }
    }

    /// A text, or what it is by default.
    pub fn text_or<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str> {
        match self.find(name) {
            None => Ok(default),
            Some(Attribute::Text(value)) => Ok(value),
            Some(_) => Err(wrong(name, "a text")),
        }
    }

    /// Texts, if they are there.
    pub fn texts(&self, name: &str) -> Result<Option<&[Arc<str>]>> {
        match self.find(name) {
            None => Ok(None),
            Some(Attribute::Texts(values)) => Ok(Some(values)),
            Some(_) => Err(wrong(name, "texts")),
        }
    }

    /// A tensor, if it is there.
    pub fn tensor(&self, name: &str) -> Result<Option<&Arc<Tensor>>> {
        match self.find(name) {
            None => Ok(None),
            Some(Attribute::Tensor(value)) => Ok(Some(value)),
            Some(_) => Err(wrong(name, "a tensor")),
        }
    }
}

fn wrong(name: &str, expected: &str) -> Trouble {
    Trouble::graph(format!("expected {expected} in the attribute `{name}`"))
}

impl From<i64> for Attribute {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f32> for Attribute {
    fn from(value: f32) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Attribute {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<Vec<i64>> for Attribute {
    fn from(value: Vec<i64>) -> Self {
        Self::Ints(value)
    }
}

impl From<Vec<f32>> for Attribute {
    fn from(value: Vec<f32>) -> Self {
        Self::Floats(value)
    }
}

impl From<Tensor> for Attribute {
    fn from(value: Tensor) -> Self {
        Self::Tensor(Arc::new(value))
    }
}
