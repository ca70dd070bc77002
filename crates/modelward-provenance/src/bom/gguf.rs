//! What the named values of a GGUF file say.
//!
//! Source: ggml, `docs/gguf.md`, "Standardized key-value pairs".

use std::sync::Arc;

use modelward_formats::{Budget, gguf, weights::Weights};

use super::{
    facts::{Base, Declared, Facts},
    licence::Licence,
    source::Source,
    text::{line, name},
};

/// Take in the named values of a file.
pub(super) fn read(weights: &Weights, by: &str, budget: &Arc<Budget>, facts: &mut Facts) {
    let text = |key: &str| {
        let text = weights.texts.iter().find(|text| &*text.key == key)?;
        line(&String::from_utf8_lossy(&text.bytes.head(4096).ok()?))
    };
    let numbers = gguf::numbers(&weights.bytes, budget);
    let number =
        |key: &str| numbers.iter().find(|(other, _)| &**other == key).map(|(_, number)| *number);
    let digits = |key: &str| number(key).map(|number| number.to_string());
    let family = text("general.architecture").and_then(|text| name(&text));
    let own = |key: &str| digits(&format!("{}.{key}", family.as_deref().unwrap_or_default()));
    for (property, key) in SIZES {
        facts.property(property, own(key), Some(by));
    }
    facts.property(
        "vocabulary",
        own("vocab_size").or_else(|| digits("tokenizer.ggml.tokens")),
        Some(by),
    );
    for (property, key) in TEXTS {
        facts.property(property, text(key), Some(by));
    }
    let chat = text("tokenizer.chat_template").map(|_| "present".to_owned());
    facts.property("chat-template", chat, Some(by));
    let file_type = number("general.file_type").and_then(|number| {
        FILE_TYPES.iter().find(|(known, _)| *known == number).map(|(_, name)| (*name).to_owned())
    });
    facts.property("quantisation", file_type, Some(by));
    if let Some(licence) = text("general.license") {
        let own = text("general.license.name").filter(|_| licence.eq_ignore_ascii_case("other"));
        let link = text("general.license.link");
        facts.licence(Licence::declared(own.as_deref().unwrap_or(&licence), link.as_deref(), by));
    }
    if let Some(description) = text("general.description") {
        facts.description.get_or_insert(Declared::new(description, by));
    }
    for index in 0..number("general.base_model.count").unwrap_or(0).min(MOST_BASES) {
        base(&|key| text(&format!("general.base_model.{index}.{key}")), by, facts);
    }
    let Some(family) = family.clone() else { return };
    let task = match () {
        () if VECTORS.contains(&&*family) => Some("feature-extraction"),
        () if own("context_length").is_some() && own("block_count").is_some() => {
            Some("text-generation")
        }
        () => None,
    };
    if let Some(task) = task {
        facts.task.get_or_insert(Declared::new(task.into(), by));
    }
    let size = text("general.size_label").map(|size| format!(" {size}")).unwrap_or_default();
    facts.architecture.get_or_insert(Declared::new(format!("{family}{size}"), by));
    facts.family.get_or_insert(Declared::new(family, by));
}

/// One of the models that this was made from.
fn base(text: &dyn Fn(&str) -> Option<String>, by: &str, facts: &mut Facts) {
    let repository = text("repo_url").and_then(|address| Source::of_address(&address));
    let own = text("name").and_then(|text| name(&text));
    let named = repository.as_ref().map(|source| match &source.owner {
        Some(owner) => format!("{owner}/{}", source.name),
        None => source.name.clone(),
    });
    if let Some(name) = named.or(own) {
        facts.bases.push(Base { name, repository, relation: None, by: by.into() });
    }
}

/// Numbers of the architecture, by the name that configurations of transformers give them.
const SIZES: &[(&str, &str)] = &[
    ("layers", "block_count"),
    ("context-length", "context_length"),
    ("hidden-size", "embedding_length"),
    ("intermediate-size", "feed_forward_length"),
    ("attention-heads", "attention.head_count"),
    ("key-value-heads", "attention.head_count_kv"),
    ("experts", "expert_count"),
];

const TEXTS: &[(&str, &str)] = &[
    ("model-name", "general.name"),
    ("model-version", "general.version"),
    ("finetune", "general.finetune"),
    ("author", "general.author"),
    ("organisation", "general.organization"),
    ("quantised-by", "general.quantized_by"),
    ("source-repository", "general.source.repo_url"),
    ("tokenizer", "tokenizer.ggml.model"),
];

/// Architectures that give vectors, not text.
const VECTORS: &[&str] = &[
    "bert",
    "eurobert",
    "gemma-embedding",
    "jina-bert-v2",
    "jina-bert-v3",
    "modern-bert",
    "neo-bert",
    "nomic-bert",
    "nomic-bert-moe",
    "t5encoder",
];

/// `llama_ftype`: how most tensors of a file are stored.
const FILE_TYPES: &[(u64, &str)] = &[
    (0, "F32"),
    (1, "F16"),
    (2, "Q4_0"),
    (3, "Q4_1"),
    (7, "Q8_0"),
    (8, "Q5_0"),
    (9, "Q5_1"),
    (10, "Q2_K"),
    (11, "Q3_K_S"),
    (12, "Q3_K_M"),
    (13, "Q3_K_L"),
    (14, "Q4_K_S"),
    (15, "Q4_K_M"),
    (16, "Q5_K_S"),
    (17, "Q5_K_M"),
    (18, "Q6_K"),
    (19, "IQ2_XXS"),
    (20, "IQ2_XS"),
    (21, "Q2_K_S"),
    (22, "IQ3_XS"),
    (23, "IQ3_XXS"),
    (24, "IQ1_S"),
    (25, "IQ4_NL"),
    (26, "IQ3_S"),
    (27, "IQ3_M"),
    (28, "IQ2_S"),
    (29, "IQ2_M"),
    (30, "IQ4_XS"),
    (31, "IQ1_M"),
    (32, "BF16"),
    (36, "TQ1_0"),
    (37, "TQ2_0"),
    (38, "MXFP4_MOE"),
];

const MOST_BASES: u64 = 64;
