//! Components: the model, its files, and what it was made from.

use serde_json::{Map, Value, json};

use super::{declared, model_card, property, put_list, put_some, reference};
use crate::{
    bom::{Base, Declared, Facts, FileEntry, Licence, Source, Subject, Table, Term},
    digest::Digest,
};

/// The reference of the model.
pub(super) const MODEL: &str = "model";

/// The reference of what the whole document is about.
pub(super) const SUBJECT: &str = "subject";

/// What the document is about, in short: the model.
pub(super) fn subject(facts: &Facts) -> Value {
    identity(SUBJECT, &facts.name, facts.source.as_ref()).into()
}

/// The model with all that is known of it.
pub(super) fn model(subject: &Subject<'_>, root: &Digest) -> Value {
    let facts = subject.facts;
    let mut model = identity(MODEL, &facts.name, facts.source.as_ref());
    put_some(&mut model, "description", facts.description.as_ref().map(|text| text.value.clone()));
    let hashes = match subject.only_file() {
        Some(file) => hashes(file),
        None => vec![json!({"alg": "SHA-256", "content": root.to_string()})],
    };
    put_list(&mut model, "hashes", hashes);
    put_list(&mut model, "licenses", licences(&facts.licences));
    put_list(&mut model, "tags", facts.tags.iter().map(|tag| tag.as_str().into()).collect());
    if !facts.bases.is_empty() {
        let ancestors = facts.bases.iter().map(ancestor).collect::<Vec<_>>();
        model.insert("pedigree".into(), json!({"ancestors": ancestors}));
    }
    if let Some(source) = &facts.source {
        let reference = json!({"type": "distribution", "url": source.address()});
        put_list(&mut model, "externalReferences", vec![reference]);
    }
    put_some(&mut model, "modelCard", model_card::of(facts));
    let mut properties = vec![property("modelward:root", &format!("sha256:{root}"))];
    if let Some(description) = &facts.description {
        properties.push(property("modelward:description:declared-by", &description.by));
    }
    properties.extend(counted(facts));
    properties.extend(declared(&facts.properties));
    put_list(&mut model, "properties", properties);
    model.into()
}

/// One file of the model.
pub(super) fn file(file: &FileEntry, table: Option<&Table>) -> Value {
    let mut properties = vec![property("modelward:bytes", &file.bytes.to_string())];
    if let Some(table) = table {
        properties.push(property("modelward:format", table.format));
        properties.extend(numbers([table]));
        let quantisation = table.quantisation.iter();
        properties.extend(quantisation.map(|kind| property("modelward:quantisation", kind)));
    }
    json!({
        "type": "file",
        "bom-ref": reference("file", &file.path),
        "name": file.path,
        "hashes": hashes(file),
        "properties": properties,
    })
}

/// A data set, as declared.
pub(super) fn dataset(dataset: &Declared<String>) -> Value {
    json!({
        "type": "data",
        "bom-ref": reference("dataset", &dataset.value),
        "name": dataset.value,
        "data": [{"type": "dataset", "name": dataset.value}],
        "properties": [property("modelward:declared-by", &dataset.by)],
    })
}

/// A model that this one was made from, as declared.
fn ancestor(base: &Base) -> Value {
    let own = Source { owner: None, name: base.name.clone(), revision: None };
    let name = base.repository.as_ref().unwrap_or(&own).name.clone();
    let mut ancestor = identity(&reference("base", &base.name), &name, base.repository.as_ref());
    let mut properties = vec![property("modelward:declared-by", &base.by)];
    properties
        .extend(base.relation.iter().map(|relation| property("modelward:relation", relation)));
    put_list(&mut ancestor, "properties", properties);
    ancestor.into()
}

/// What tells one model from another.
fn identity(reference: &str, name: &str, source: Option<&Source>) -> Map<String, Value> {
    let mut component = Map::new();
    component.insert("type".into(), "machine-learning-model".into());
    component.insert("bom-ref".into(), reference.into());
    component.insert("name".into(), name.into());
    if let Some(source) = source {
        component.insert("purl".into(), source.purl().into());
        put_some(&mut component, "group", source.owner.clone());
        put_some(&mut component, "version", source.revision.clone());
    }
    component
}

fn hashes(file: &FileEntry) -> Vec<Value> {
    vec![
        json!({"alg": "SHA-256", "content": file.sha256.to_string()}),
        json!({"alg": "BLAKE3", "content": file.blake3.to_string()}),
    ]
}

/// Licences. Version 1.6 takes either single licences or one expression, so an expression among
/// others is a name.
fn licences(licences: &[Licence]) -> Vec<Value> {
    let acknowledgement =
        |licence: &Licence| if licence.concluded { "concluded" } else { "declared" };
    if let [licence @ Licence { term: Term::Expression(text), .. }] = licences {
        return vec![json!({"expression": text, "acknowledgement": acknowledgement(licence)})];
    }
    let one = |licence: &Licence| {
        let key = if matches!(licence.term, Term::Id(_)) { "id" } else { "name" };
        let by =
            if licence.concluded { "modelward:concluded-from" } else { "modelward:declared-by" };
        let mut entry = Map::new();
        entry.insert(key.into(), licence.term.as_str().into());
        entry.insert("acknowledgement".into(), acknowledgement(licence).into());
        put_some(&mut entry, "url", licence.address.clone());
        put_list(&mut entry, "properties", vec![property(by, &licence.by)]);
        json!({"license": entry})
    };
    licences.iter().map(one).collect()
}

/// What was counted in the tables that make up the model.
fn counted(facts: &Facts) -> Vec<Value> {
    let tables =
        facts.counted.iter().filter_map(|&index| facts.tables.get(index)).collect::<Vec<_>>();
    if tables.is_empty() {
        return Vec::new();
    }
    let mut properties = numbers(tables.iter().copied());
    let files = tables.iter().map(|table| property("modelward:counted-in", &table.path));
    properties.extend(files.take(MOST_FILES));
    properties
}

/// Parameters, tensors, and elements of each type.
fn numbers<'a>(tables: impl IntoIterator<Item = &'a Table>) -> Vec<Value> {
    let mut sum = Table::default();
    for table in tables {
        sum.tensors = sum.tensors.saturating_add(table.tensors);
        sum.elements = sum.elements.saturating_add(table.elements);
        for (kind, elements) in &table.types {
            let of_kind = sum.types.entry(kind.clone()).or_default();
            *of_kind = of_kind.saturating_add(*elements);
        }
    }
    let mut properties = vec![
        property("modelward:parameters", &sum.elements.to_string()),
        property("modelward:tensors", &sum.tensors.to_string()),
    ];
    let types = sum.types.iter().map(|(kind, elements)| {
        property(&format!("modelward:dtype:{kind}"), &elements.to_string())
    });
    properties.extend(types);
    properties
}

/// How many of the files that were counted are named.
const MOST_FILES: usize = 1000;
