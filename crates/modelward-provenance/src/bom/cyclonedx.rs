//! CycloneDX 1.6 and 1.7, in JSON.
//!
//! The document follows from the model alone: its serial number is a UUID of the root digest, and it
//! tells a time only where it is given one. What a file declares has a property `...:declared-by`
//! beside it that names the file; what has none was counted.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Subject, entry::root, facts::Property, uuid};

mod component;
mod model_card;
mod vulnerability;

/// A version of CycloneDX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1.6.
    V1_6,
    /// 1.7.
    V1_7,
}

impl Version {
    /// Its number.
    pub const fn number(self) -> &'static str {
        match self {
            Self::V1_6 => "1.6",
            Self::V1_7 => "1.7",
        }
    }
}

/// The document, indented, with a line feed at its end. The files of the subject are in the order of
/// their paths.
pub fn write(subject: &Subject<'_>, version: Version) -> String {
    format!("{:#}\n", document(subject, version))
}

fn document(subject: &Subject<'_>, version: Version) -> Value {
    let number = version.number();
    let root = root(subject.files);
    let facts = subject.facts;
    let mut components = vec![component::model(subject, &root)];
    let tables = facts.tables.iter().map(|table| (table.path.as_str(), table));
    let tables = tables.collect::<BTreeMap<_, _>>();
    let files = subject.files.iter();
    components
        .extend(files.map(|file| component::file(file, tables.get(file.path.as_str()).copied())));
    components.extend(facts.datasets.iter().map(component::dataset));
    let mut document = json!({
        "$schema": format!("http://cyclonedx.org/schema/bom-{number}.schema.json"),
        "bomFormat": "CycloneDX",
        "specVersion": number,
        "serialNumber": format!("urn:uuid:{}", uuid::of(&root.to_string())),
        "version": 1,
        "metadata": metadata(subject),
        "components": components,
        "dependencies": dependencies(subject),
        "compositions": compositions(subject),
    });
    if subject.scan.is_some() {
        put(&mut document, "vulnerabilities", vulnerability::all(subject).into());
    }
    document
}

fn metadata(subject: &Subject<'_>) -> Value {
    let gaps = subject.gaps();
    let mut properties = vec![
        property("modelward:read", if gaps.is_empty() { "complete" } else { "incomplete" }),
        property("modelward:scanned", if subject.scan.is_some() { "yes" } else { "no" }),
    ];
    properties.extend(gaps.iter().map(|gap| property("modelward:unread", gap)));
    let mut metadata = json!({
        "tools": {"components": [{
            "type": "application", "name": "modelward", "version": subject.version,
        }]},
        "component": component::subject(subject.facts),
        "properties": properties,
    });
    if let Some(created) = subject.created {
        put(&mut metadata, "timestamp", created.into());
    }
    metadata
}

/// The model consists of its files, and what it was made from is a dependency too.
fn dependencies(subject: &Subject<'_>) -> Vec<Value> {
    let facts = subject.facts;
    let files = subject.files.iter().map(|file| reference("file", &file.path));
    let datasets = facts.datasets.iter().map(|dataset| reference("dataset", &dataset.value));
    let adapted = facts.bases.iter().filter(|base| base.relation.as_deref() == Some("adapter"));
    let bases = adapted.map(|base| reference("base", &base.name));
    let all = files.chain(datasets).chain(bases).collect::<Vec<_>>();
    let mut dependencies = vec![
        json!({"ref": component::SUBJECT, "dependsOn": [component::MODEL]}),
        json!({"ref": component::MODEL, "dependsOn": all}),
    ];
    dependencies.extend(all.iter().map(|leaf| json!({"ref": leaf})));
    dependencies
}

/// How complete the document is: of files it is, of what the model was made from nobody knows.
fn compositions(subject: &Subject<'_>) -> Vec<Value> {
    let aggregate = |complete: bool| if complete { "complete" } else { "incomplete" };
    let files = aggregate(subject.missing.is_empty());
    let mut compositions = vec![
        json!({"aggregate": files, "assemblies": [component::SUBJECT, component::MODEL]}),
        json!({"aggregate": "unknown", "dependencies": [component::MODEL]}),
    ];
    let found = vulnerability::references(subject);
    if let Some(scan) = subject.scan.filter(|_| !found.is_empty()) {
        let scanned = aggregate(scan.report.unread.is_empty());
        compositions.push(json!({"aggregate": scanned, "vulnerabilities": found}));
    }
    compositions
}

/// The reference of a component of a kind.
fn reference(kind: &str, name: &str) -> String {
    format!("{kind}:{name}")
}

fn property(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

/// A property, and the file that declares it.
fn declared(properties: &[Property]) -> Vec<Value> {
    let mut list = Vec::new();
    for Property { name, value, by } in properties {
        list.push(property(&format!("modelward:{name}"), value));
        list.extend(by.iter().map(|by| property(&format!("modelward:{name}:declared-by"), by)));
    }
    list
}

/// Put a value under a key of an object.
fn put(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = object {
        map.insert(key.to_owned(), value);
    }
}

/// Put a value there, where there is one.
fn put_some<T: Into<Value>>(map: &mut Map<String, Value>, key: &str, value: Option<T>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), value.into());
    }
}

/// Put a list there, unless it is empty.
fn put_list(map: &mut Map<String, Value>, key: &str, list: Vec<Value>) {
    if !list.is_empty() {
        map.insert(key.to_owned(), list.into());
    }
}
