//! The model card: what the model is, what goes in and out, and what its makers measured.

use serde_json::{Map, Value, json};

use super::{property, put_list, put_some, reference};
use crate::bom::{Declared, Facts};

/// The card; `None` where nothing is known that belongs on it.
pub(super) fn of(facts: &Facts) -> Option<Value> {
    let mut parameters = Map::new();
    let mut properties = Vec::new();
    let mut by = |name: &str, by: &str| {
        properties.push(property(&format!("modelward:{name}:declared-by"), by));
    };
    if let Some(Declared { value, by: file }) = &facts.approach {
        parameters.insert("approach".into(), json!({"type": value}));
        by("approach", file);
    }
    for (key, fact) in [
        ("task", &facts.task),
        ("architectureFamily", &facts.family),
        ("modelArchitecture", &facts.architecture),
    ] {
        put_some(&mut parameters, key, fact.as_ref().map(|fact| fact.value.clone()));
        if let Some(fact) = fact {
            by(key, &fact.by);
        }
    }
    for (key, ports) in [("inputs", &facts.inputs), ("outputs", &facts.outputs)] {
        let list = ports.iter().map(|port| json!({"format": port.value})).collect();
        put_list(&mut parameters, key, list);
        if let Some(port) = ports.first() {
            by(key, &port.by);
        }
    }
    let datasets =
        facts.datasets.iter().map(|dataset| json!({"ref": reference("dataset", &dataset.value)}));
    put_list(&mut parameters, "datasets", datasets.collect());
    let mut card = Map::new();
    if !parameters.is_empty() {
        card.insert("modelParameters".into(), parameters.into());
    }
    let metrics = facts.metrics.iter().map(|metric| {
        let mut entry = Map::new();
        entry.insert("type".into(), metric.kind.as_str().into());
        put_some(&mut entry, "value", metric.value.clone());
        put_some(&mut entry, "slice", metric.slice.clone());
        entry.into()
    });
    let metrics = metrics.collect::<Vec<Value>>();
    if !metrics.is_empty() {
        card.insert("quantitativeAnalysis".into(), json!({"performanceMetrics": metrics}));
    }
    put_list(&mut card, "properties", properties);
    (!card.is_empty()).then(|| card.into())
}
