//! Labels of classes: texts or whole numbers, as attributes of ONNX-ML hold them.

use std::sync::Arc;

use crate::{Data, Element, Result, graph::Attributes};

/// Labels of classes, in order.
#[derive(Clone, Debug)]
pub(crate) enum Labels {
    /// As texts.
    Texts(Vec<Arc<str>>),
    /// As whole numbers.
    Ints(Vec<i64>),
}

impl Labels {
    /// The labels that these attributes hold: texts, where there are any.
    pub(crate) fn of(attributes: &Attributes, texts: &str, ints: &str) -> Result<Self> {
        match attributes.texts(texts)? {
            Some(texts) if !texts.is_empty() => Ok(Self::Texts(texts.to_vec())),
            _ => Ok(Self::Ints(attributes.ints(ints)?.unwrap_or_default().to_vec())),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Ints(ints) => ints.len(),
        }
    }

    /// Their type.
    pub(crate) fn element(&self) -> Element {
        match self {
            Self::Texts(_) => Element::Text,
            Self::Ints(_) => Element::I64,
        }
    }

    /// The labels at these places.
    pub(crate) fn at(&self, places: impl Iterator<Item = usize>) -> Data {
        match self {
            Self::Texts(texts) => Data::Text(
                places.map(|place| texts.get(place).cloned().unwrap_or_default()).collect(),
            ),
            Self::Ints(ints) => Data::I64(
                places.map(|place| ints.get(place).copied().unwrap_or_default()).collect(),
            ),
        }
    }
}
