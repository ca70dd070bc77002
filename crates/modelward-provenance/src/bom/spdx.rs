//! SPDX 3.0.1 in JSON-LD, with the profiles for AI, data sets, licences and security.
//!
//! SPDX demands a time of creation. Where none is given it is the first second of 1970, as for other
//! builds without a time, so that the same bytes give the same document.

use serde_json::{Map, Value, json};

use super::{Base, Declared, FileEntry, Subject, entry::root, uuid};

mod licence;
mod security;

/// The document, indented, with a line feed at its end. The files of the subject are in the order of
/// their paths.
pub fn write(subject: &Subject<'_>) -> String {
    let base = format!("urn:uuid:{}", uuid::of(&root(subject.files).to_string()));
    let mut graph = Graph { base, elements: Vec::new() };
    graph.model(subject);
    licence::write(subject.facts, &mut graph);
    security::write(subject, &mut graph);
    let document = json!({"@context": CONTEXT, "@graph": graph.finish(subject)});
    format!("{document:#}\n")
}

/// Elements in the making.
struct Graph {
    /// What their identifiers begin with.
    base: String,
    elements: Vec<Value>,
}

impl Graph {
    /// The identifier of an element.
    fn id(&self, name: &str) -> String {
        format!("{}#{name}", self.base)
    }

    /// Put in an element; gives its identifier.
    fn element(&mut self, kind: &str, name: &str, fields: Value) -> String {
        let id = self.id(name);
        let mut element = if let Value::Object(fields) = fields { fields } else { Map::new() };
        element
            .retain(|_, value| !value.is_null() && value.as_array().is_none_or(|l| !l.is_empty()));
        element.insert("type".into(), kind.into());
        element.insert("spdxId".into(), id.as_str().into());
        element.insert("creationInfo".into(), CREATION.into());
        self.elements.push(element.into());
        id
    }

    /// Put in a relationship, unless there is nothing it leads to.
    fn relationship(&mut self, name: &str, kind: &str, from: &str, to: Vec<String>, fields: Value) {
        if to.is_empty() {
            return;
        }
        let mut all = json!({"relationshipType": kind, "from": from, "to": to});
        if let (Value::Object(all), Value::Object(fields)) = (&mut all, fields) {
            all.extend(fields);
        }
        self.element("Relationship", name, all);
    }

    /// The model, its files, and what it was made from.
    fn model(&mut self, subject: &Subject<'_>) {
        let model = self.package(subject);
        let files = (1..).zip(subject.files).map(|(number, file)| self.file(number, file));
        let files = files.collect::<Vec<_>>();
        let completeness = if subject.missing.is_empty() { "complete" } else { "incomplete" };
        let fields = json!({"completeness": completeness});
        self.relationship("contains", "contains", &model, files, fields);
        for (number, Declared { value, by }) in (1..).zip(&subject.facts.datasets) {
            let fields = json!({
                "name": value,
                "dataset_datasetType": ["noAssertion"],
                "software_primaryPurpose": "data",
            });
            let data = self.element("dataset_DatasetPackage", &format!("dataset-{number}"), fields);
            let fields = json!({"comment": format!("declared by {by}")});
            self.relationship(
                &format!("trained-on-{number}"),
                "trainedOn",
                &model,
                vec![data],
                fields,
            );
        }
        for (number, Base { name, repository, relation, by }) in (1..).zip(&subject.facts.bases) {
            let fields = json!({
                "name": name,
                "software_packageUrl": repository.as_ref().map(super::Source::purl),
                "software_primaryPurpose": "model",
            });
            let base = self.element("ai_AIPackage", &format!("base-{number}"), fields);
            let relation = relation.as_ref().map(|relation| format!("{relation}, "));
            let comment = format!("{}declared by {by}", relation.unwrap_or_default());
            let (name, fields) = (format!("descendant-of-{number}"), json!({"comment": comment}));
            self.relationship(&name, "descendantOf", &model, vec![base], fields);
        }
    }

    fn package(&mut self, subject: &Subject<'_>) -> String {
        let facts = subject.facts;
        let hashes = match subject.only_file() {
            Some(file) => hashes(file),
            None => vec![hash("sha256", &root(subject.files).to_string())],
        };
        let list = |facts: &[Option<&Declared<String>>]| {
            let values = facts.iter().flatten().map(|fact| fact.value.clone());
            values.collect::<Vec<_>>()
        };
        let declared = [
            ("task", &facts.task),
            ("family", &facts.family),
            ("architecture", &facts.architecture),
        ];
        let declared = declared.iter().filter_map(|(name, fact)| {
            fact.as_ref().map(|fact| format!("{name} declared by {}", fact.by))
        });
        let metrics = facts.metrics.iter().map(|metric| {
            let slice = metric.slice.as_ref().map(|slice| format!(" ({slice})"));
            let key = format!("{}{}", metric.kind, slice.unwrap_or_default());
            entry(&key, metric.value.as_deref())
        });
        let ports = [("in", &facts.inputs), ("out", &facts.outputs)];
        let ports = ports.iter().filter(|(_, ports)| !ports.is_empty()).map(|(way, ports)| {
            let ports = ports.iter().map(|port| port.value.as_str()).collect::<Vec<_>>();
            format!("{way}: {}", ports.join("; "))
        });
        let ports = ports.collect::<Vec<_>>().join(". ");
        let comment = declared.collect::<Vec<_>>().join("; ");
        let some = |text: String| (!text.is_empty()).then_some(text);
        let fields = json!({
            "name": facts.name,
            "description": facts.description.as_ref().map(|text| &text.value),
            "comment": some(comment),
            "verifiedUsing": hashes,
            "software_primaryPurpose": "model",
            "software_packageUrl": facts.source.as_ref().map(super::Source::purl),
            "software_downloadLocation": facts.source.as_ref().map(super::Source::address),
            "software_packageVersion": facts.source.as_ref().and_then(|s| s.revision.clone()),
            "ai_typeOfModel": list(&[facts.family.as_ref(), facts.architecture.as_ref()]),
            "ai_domain": list(&[facts.task.as_ref()]),
            "ai_informationAboutTraining": facts.approach.as_ref().map(|approach| &approach.value),
            "ai_informationAboutApplication": some(ports),
            "ai_metric": metrics.collect::<Vec<_>>(),
            "ai_hyperparameter": numbers(subject),
        });
        self.element("ai_AIPackage", MODEL, fields)
    }

    fn file(&mut self, number: usize, file: &FileEntry) -> String {
        let fields = json!({
            "name": file.path,
            "verifiedUsing": hashes(file),
            "software_primaryPurpose": "file",
            "comment": format!("{} bytes", file.bytes),
        });
        self.element("software_File", &format!("file-{number}"), fields)
    }

    /// Put the document around the elements.
    fn finish(mut self, subject: &Subject<'_>) -> Vec<Value> {
        let ids = self.elements.iter().filter_map(|element| element.get("spdxId").cloned());
        let ids = ids.collect::<Vec<_>>();
        let profiles = ["core", "software", "ai", "dataset", "simpleLicensing", "security"];
        let gaps = subject.gaps();
        let comment = (!gaps.is_empty()).then(|| format!("not read: {}", gaps.join("; ")));
        let bill = json!({
            "rootElement": [self.id(MODEL)],
            "element": ids,
            "profileConformance": profiles,
            "software_sbomType": ["analyzed"],
            "comment": comment,
        });
        let bill = self.element("software_Sbom", "bom", bill);
        let document = json!({
            "name": subject.facts.name, "rootElement": [bill], "profileConformance": profiles,
        });
        self.element("SpdxDocument", "document", document);
        let agent = self.element("SoftwareAgent", "agent", json!({"name": "modelward"}));
        let tool = json!({"name": format!("modelward {}", subject.version)});
        let tool = self.element("Tool", "tool", tool);
        self.elements.insert(
            0,
            json!({
                "type": "CreationInfo",
                "@id": CREATION,
                "specVersion": "3.0.1",
                "created": subject.created.unwrap_or("1970-01-01T00:00:00Z"),
                "createdBy": [agent],
                "createdUsing": [tool],
            }),
        );
        self.elements
    }
}

/// What was counted, and the sizes that are declared.
fn numbers(subject: &Subject<'_>) -> Vec<Value> {
    let facts = subject.facts;
    let counted = facts.counted.iter().filter_map(|&index| facts.tables.get(index));
    let sum = |of: fn(&super::Table) -> u64| {
        counted.clone().fold(0_u64, |sum, table| sum.saturating_add(of(table))).to_string()
    };
    let mut list = Vec::new();
    if !facts.counted.is_empty() {
        list.push(entry("modelward:parameters", Some(&sum(|table| table.elements))));
        list.push(entry("modelward:tensors", Some(&sum(|table| table.tensors))));
    }
    for property in &facts.properties {
        list.push(entry(&format!("modelward:{}", property.name), Some(&property.value)));
    }
    list
}

fn hashes(file: &FileEntry) -> Vec<Value> {
    vec![hash("sha256", &file.sha256.to_string()), hash("blake3", &file.blake3.to_string())]
}

fn hash(algorithm: &str, value: &str) -> Value {
    json!({"type": "Hash", "algorithm": algorithm, "hashValue": value})
}

fn entry(key: &str, value: Option<&str>) -> Value {
    match value {
        Some(value) => json!({"type": "DictionaryEntry", "key": key, "value": value}),
        None => json!({"type": "DictionaryEntry", "key": key}),
    }
}

const CONTEXT: &str = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";
const CREATION: &str = "_:creation";
const MODEL: &str = "model";
