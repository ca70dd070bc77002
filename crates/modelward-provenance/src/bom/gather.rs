//! The way from the files of a model to what is known of it.

use modelward_formats::{Budget, Bytes, Limits, Tree};
use serde_json::Value;

use super::{
    card, config, counted,
    facts::{Declared, Facts},
    folder, gguf, graph,
    licence::{Licence, Term, recognise},
    source::Source,
    task,
    text::name,
    trees,
    weights::{self, Read},
};

/// What the user knows of a model beside its files.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// What it is called where nothing else names it.
    pub name: String,
    /// Where it was had from, if the user says so.
    pub source: Option<Source>,
    /// Where the tree lies, under each of its names: a Hugging Face cache names the repository.
    pub places: Vec<String>,
}

/// What is known of a model from its files.
///
/// Nothing but the bytes of the tree is read. A configuration or card of more than 16 MiB, or one that
/// is no JSON or YAML, is a gap. The limits are those of each file.
pub fn facts(tree: &Tree, origin: Origin, limits: Limits) -> Facts {
    let Origin { name, source, places } = origin;
    let mut facts = Facts::default();
    let root = folder::of(tree);
    let cached = || places.iter().find_map(|place| Source::of_cache(&format!("{place}/{root}")));
    facts.source = source.or_else(cached);
    let mut gather = Gather { tree, root: &root, limits, facts: &mut facts };
    let parts = gather.declarations();
    gather.licence_texts();
    gather.tables(&parts);
    gather.trees();
    gather.finish(&name);
    facts
}

struct Gather<'a> {
    tree: &'a Tree,
    /// The folder of the model in the tree, with a `/` behind it; empty where it is the tree.
    root: &'a str,
    limits: Limits,
    facts: &'a mut Facts,
}

impl Gather<'_> {
    /// Read the card and the configurations; gives the folders of the parts.
    fn declarations(&mut self) -> Vec<String> {
        if let Some((by, text)) = self.text("README.md")
            && let Err(refusal) = card::read(&text, &by, self.facts)
        {
            self.facts.gaps.push((by, format!("the head of the card: {}", refusal.why)));
        }
        let mut parts = Vec::new();
        for (file, read) in
            [("modules.json", config::modules as Parts), ("model_index.json", config::pipeline)]
        {
            if let Some((by, value)) = self.json(file) {
                parts.extend(read(&value, &by, self.facts).into_iter().take(MOST));
            }
        }
        for (file, read) in [
            ("adapter_config.json", config::adapter as Whole),
            ("config.json", config::model),
            ("tokenizer_config.json", config::tokenizer),
            ("generation_config.json", config::generation),
        ] {
            if let Some((by, value)) = self.json(file) {
                read(&value, &by, self.facts);
            }
        }
        for file in
            ["model.safetensors.index.json", "diffusion_pytorch_model.safetensors.index.json"]
        {
            if let Some((by, value)) = self.json(file) {
                self.index(&value, &by);
            }
        }
        parts
    }

    /// The list of the shards of a model.
    fn index(&mut self, index: &Value, by: &str) {
        let declared = |key: &str| {
            index.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_u64)
        };
        let parameters = declared("total_parameters").map(|number| number.to_string());
        self.facts.property("parameters:declared", parameters, Some(by));
        self.facts.property(
            "bytes:declared",
            declared("total_size").map(|number| number.to_string()),
            Some(by),
        );
        let shards = index.get("weight_map").and_then(Value::as_object).into_iter().flatten();
        let mut shards = shards.filter_map(|(_, file)| file.as_str()).collect::<Vec<_>>();
        shards.sort_unstable();
        shards.dedup();
        for shard in shards
            .into_iter()
            .filter(|shard| !self.tree.contains(&format!("{}{shard}", self.root)))
            .take(MOST)
        {
            let why =
                format!("names the shard `{}`, which is not there", super::text::clean(shard, 256));
            self.facts.gaps.push((by.into(), why));
        }
    }

    /// Recognise the texts of licences.
    fn licence_texts(&mut self) {
        for file in LICENCES {
            let Some((by, text)) = self.text(file) else { continue };
            let Some(id) = recognise(&text) else { continue };
            let (term, address) = (Term::Id(id), None);
            self.facts.licence(Some(Licence { term, address, by, concluded: true }));
        }
    }

    /// Read the tensor tables of all files, and what those of the model say beside numbers.
    fn tables(&mut self, parts: &[String]) {
        let mut read = Vec::new();
        for (path, bytes) in self.tree.files() {
            match weights::read(path, bytes, &Budget::new(self.limits)) {
                None if is_pointer(bytes) => {
                    let why = "a pointer of Git LFS stands here instead of the content";
                    self.facts.gaps.push((path.into(), why.into()));
                }
                None => {}
                Some(Ok(table)) => read.push(table),
                Some(Err(refusal)) => {
                    self.facts.gaps.push((path.into(), format!("table of tensors: {refusal}")));
                }
            }
        }
        self.facts.tables = read.iter().map(|read| read.table().clone()).collect();
        self.facts.counted = counted::choose(&self.facts.tables, self.root, parts);
        for index in self.facts.counted.clone() {
            match read.get(index) {
                Some(Read::Weights(table, weights)) if table.format == "gguf" => {
                    let budget = Budget::new(self.limits);
                    gguf::read(weights, &table.path, &budget, self.facts);
                }
                Some(Read::Weights(table, weights)) => texts(weights, &table.path, self.facts),
                Some(Read::Graph(table, model)) => graph::read(model, &table.path, self.facts),
                Some(Read::Tensors(_)) | None => {}
            }
        }
        let counted = self.facts.counted.iter().filter_map(|&index| self.facts.tables.get(index));
        let mut blocks = counted.filter_map(|table| table.quantisation.clone()).collect::<Vec<_>>();
        blocks.sort();
        blocks.dedup();
        self.facts.property(
            "quantisation",
            Some(blocks.join(", ")).filter(|kinds| !kinds.is_empty()),
            None,
        );
    }

    /// Ensembles of trees in the libraries' own formats.
    fn trees(&mut self) {
        let root = self.root;
        let files = self.tree.files().filter(|(path, _)| is_in(path, root));
        for (path, bytes) in files.take(MOST_FILES) {
            trees::read(bytes, path, self.facts);
        }
    }

    fn finish(&mut self, called: &str) {
        let facts = &mut *self.facts;
        facts.name = match &facts.source {
            Some(source) => source.name.clone(),
            None => name(called).unwrap_or_else(|| "model".into()),
        };
        if let Some(Declared { value, by }) = facts.task.clone()
            && let Some((inputs, outputs)) = task::ports(&value)
        {
            let declared = |ports: &[&str]| {
                ports.iter().map(|port| Declared::new((*port).to_owned(), &by)).collect()
            };
            if facts.inputs.is_empty() {
                facts.inputs = declared(inputs);
            }
            if facts.outputs.is_empty() {
                facts.outputs = declared(outputs);
            }
        }
        let unique = |list: &mut Vec<Declared<String>>| {
            let mut seen = std::collections::HashSet::new();
            list.retain(|one| seen.insert(one.value.clone()));
        };
        unique(&mut facts.datasets);
        let mut seen = std::collections::HashSet::new();
        facts.tags.retain(|tag| seen.insert(tag.clone()));
        let mut seen = std::collections::HashSet::new();
        facts.bases.retain(|base| seen.insert(base.name.clone()));
    }

    /// A text of the model's own folder, with its path.
    fn text(&mut self, file: &str) -> Option<(String, String)> {
        let (path, bytes) = self.bytes(file)?;
        Some((path, String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// A JSON document of the model's own folder, with its path.
    fn json(&mut self, file: &str) -> Option<(String, Value)> {
        let (path, bytes) = self.bytes(file)?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => Some((path, value)),
            Err(error) => {
                self.facts.gaps.push((path, format!("no JSON: {error}")));
                None
            }
        }
    }

    fn bytes(&mut self, file: &str) -> Option<(String, Vec<u8>)> {
        let path = format!("{}{file}", self.root);
        let (_, bytes) = self.tree.files().find(|(other, _)| *other == path)?;
        let read = match bytes.len() {
            0..=LARGEST => bytes.head(LARGEST).map_err(|refusal| refusal.to_string()),
            length => Err(format!("{length} bytes, more than the {LARGEST} that are read")),
        };
        match read {
            Ok(bytes) => Some((path, bytes)),
            Err(why) => {
                self.facts.gaps.push((path, why));
                None
            }
        }
    }
}

type Whole = fn(&Value, &str, &mut Facts);
type Parts = fn(&Value, &str, &mut Facts) -> Vec<String>;

/// What the metadata of a safetensors file say, where they follow the specification of Stability AI.
fn texts(weights: &modelward_formats::weights::Weights, by: &str, facts: &mut Facts) {
    for text in &weights.texts {
        let value = text.bytes.head(4096).unwrap_or_default();
        let Some(value) = super::text::line(&String::from_utf8_lossy(&value)) else { continue };
        match &*text.key {
            "format" => facts.property("framework", Some(value), Some(by)),
            "modelspec.architecture" => {
                facts.architecture.get_or_insert(Declared::new(value, by));
            }
            "modelspec.license" => facts.licence(Licence::declared(&value, None, by)),
            "modelspec.description" => {
                facts.description.get_or_insert(Declared::new(value, by));
            }
            _ => {}
        }
    }
}

/// Whether a path lies right in a folder.
fn is_in(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| !rest.contains('/'))
}

fn is_pointer(bytes: &Bytes) -> bool {
    bytes.len() < 1024 && bytes.has(0, b"version https://git-lfs.github.com/spec/v1")
}

/// The longest card or configuration that is read.
const LARGEST: u64 = 16 << 20;

/// How many missing shards are named.
const MOST: usize = 100;

/// How many files are looked at for ensembles of trees.
const MOST_FILES: usize = 1000;

/// Files that hold the text of a licence.
const LICENCES: &[&str] = &[
    "LICENSE",
    "LICENSE.md",
    "LICENSE.txt",
    "LICENCE",
    "LICENCE.md",
    "LICENCE.txt",
    "COPYING",
    "UNLICENSE",
];
