//! What configurations say: those of transformers, diffusers, PEFT, sentence-transformers and skops.

use serde_json::Value;

use super::{
    facts::{Base, Declared, Facts},
    source::Source,
    task,
    text::{line, name},
};

/// Take in `config.json`.
pub(super) fn model(config: &Value, by: &str, facts: &mut Facts) {
    let family = text(config, "model_type");
    let class = config.get("architectures").and_then(|list| list.get(0)).and_then(Value::as_str);
    let class = class.and_then(name);
    let task = class.as_ref().and_then(|class| {
        let task = task::of_class(class, family.as_deref().unwrap_or_default())?;
        senses(config, task)
    });
    if let Some(task) = task {
        facts.task.get_or_insert(Declared::new(task.into(), by));
    }
    if let Some(class) = class.or_else(|| text(config, "_class_name")) {
        facts.architecture.get_or_insert(Declared::new(class, by));
    }
    if let Some(family) = family {
        facts.family.get_or_insert(Declared::new(family, by));
    }
    for (property, keys) in SIZES {
        // A model of several parts keeps the sizes of its language model apart.
        let parts = [Some(config), config.get("text_config"), config.get("llm_config")];
        let found = parts
            .into_iter()
            .flatten()
            .find_map(|part| keys.iter().find_map(|key| number(part, key)));
        facts.property(property, found, Some(by));
    }
    let dtype = text(config, "dtype").or_else(|| text(config, "torch_dtype"));
    facts.property("dtype", dtype, Some(by));
    facts.property("transformers-version", text(config, "transformers_version"), Some(by));
    facts.property("diffusers-version", text(config, "_diffusers_version"), Some(by));
    facts.property("name-or-path", text(config, "_name_or_path"), Some(by));
    let labels =
        config.get("id2label").and_then(Value::as_object).map(|labels| labels.len().to_string());
    facts.property("labels", labels, Some(by));
    let code = config
        .get("auto_map")
        .and_then(Value::as_object)
        .map(|map| map.values().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
    facts.property("code", code.as_deref().and_then(line), Some(by));
    facts.property(
        "quantisation",
        config.get("quantization_config").and_then(quantisation),
        Some(by),
    );
    if let Some(sklearn) = config.get("sklearn") {
        skops(sklearn, by, facts);
    }
}

/// The task, where it hangs on what the model takes in: text, images, or sound.
fn senses<'a>(config: &Value, task: &'a str) -> Option<&'a str> {
    let has = |keys: &[&str]| keys.iter().any(|key| config.get(key).is_some());
    match task {
        "feature-extraction" if has(&["feat_extract_norm", "num_mel_bins", "conv_stride"]) => None,
        "feature-extraction" if has(&["vocab_size"]) => Some(task),
        "feature-extraction" if has(&["image_size", "num_channels"]) => {
            Some("image-feature-extraction")
        }
        "feature-extraction" => None,
        task => Some(task),
    }
}

/// Take in `adapter_config.json` of PEFT.
pub(super) fn adapter(config: &Value, by: &str, facts: &mut Facts) {
    if let Some(base) = text(config, "base_model_name_or_path") {
        // A path on somebody's disk names no repository.
        let repository = base.contains('/').then(|| Source::repository(&base)).flatten();
        let revision = text(config, "revision").filter(|text| text.len() == 40);
        let repository = repository.map(|source| Source { revision, ..source });
        facts.bases.push(Base {
            name: base,
            repository,
            relation: Some("adapter".into()),
            by: by.into(),
        });
    }
    let kind = text(config, "peft_type");
    if let Some(kind) = &kind {
        facts.architecture.get_or_insert(Declared::new(kind.clone(), by));
    }
    let task = match text(config, "task_type").as_deref() {
        Some("CAUSAL_LM") => Some("text-generation"),
        Some("SEQ_2_SEQ_LM") => Some("text2text-generation"),
        Some("SEQ_CLS") => Some("text-classification"),
        Some("TOKEN_CLS") => Some("token-classification"),
        Some("QUESTION_ANS") => Some("question-answering"),
        Some("FEATURE_EXTRACTION") => Some("feature-extraction"),
        _ => None,
    };
    if let Some(task) = task {
        facts.task.get_or_insert(Declared::new(task.into(), by));
    }
    let class = config.get("auto_mapping").and_then(|map| text(map, "base_model_class"));
    facts.family.get_or_insert(Declared::new(class.unwrap_or_else(|| "adapter".into()), by));
    facts.property("adapter", kind, Some(by));
    facts.property("adapter-rank", number(config, "r"), Some(by));
    facts.property("adapter-alpha", number(config, "lora_alpha"), Some(by));
    let targets = config.get("target_modules").and_then(Value::as_array).map(|list| {
        let mut names = list.iter().filter_map(Value::as_str).collect::<Vec<_>>();
        names.sort_unstable();
        names.join(", ")
    });
    facts.property("adapter-targets", targets.as_deref().and_then(line), Some(by));
}

/// Take in `model_index.json` of diffusers; gives the folders of the parts.
pub(super) fn pipeline(config: &Value, by: &str, facts: &mut Facts) -> Vec<String> {
    if let Some(class) = text(config, "_class_name") {
        if let Some(task) = task::of_pipeline(&class) {
            facts.task.get_or_insert(Declared::new(task.into(), by));
        }
        facts.architecture.get_or_insert(Declared::new(class, by));
        facts.family.get_or_insert(Declared::new("diffusion".into(), by));
    }
    facts.property("diffusers-version", text(config, "_diffusers_version"), Some(by));
    let parts = config.as_object().into_iter().flatten().filter(|(_, value)| {
        // `[library, class]`; a part that is left out has nulls.
        value.as_array().is_some_and(|pair| pair.len() == 2 && pair.iter().all(Value::is_string))
    });
    let parts =
        parts.map(|(key, value)| (key, value.get(1).and_then(Value::as_str).unwrap_or_default()));
    let parts = parts.collect::<Vec<_>>();
    let shown =
        parts.iter().map(|(key, class)| format!("{key}: {class}")).collect::<Vec<_>>().join(", ");
    facts.property("parts", line(&shown), Some(by));
    parts.into_iter().map(|(key, _)| key.clone()).collect()
}

/// Take in `modules.json` of sentence-transformers; gives the folders of the modules.
pub(super) fn modules(config: &Value, by: &str, facts: &mut Facts) -> Vec<String> {
    let list = config.as_array().map(Vec::as_slice).unwrap_or_default();
    let kinds = list.iter().filter_map(|module| text(module, "type"));
    let kinds = kinds
        .map(|kind| kind.rsplit('.').next().unwrap_or_default().to_owned())
        .collect::<Vec<_>>();
    if !kinds.is_empty() {
        facts.task.get_or_insert(Declared::new("sentence-similarity".into(), by));
    }
    facts.property("parts", line(&kinds.join(", ")), Some(by));
    list.iter().filter_map(|module| module.get("path")?.as_str()).map(Into::into).collect()
}

/// Take in `tokenizer_config.json`.
pub(super) fn tokenizer(config: &Value, by: &str, facts: &mut Facts) {
    facts.property("tokenizer", text(config, "tokenizer_class"), Some(by));
    // A value beyond all texts stands for none.
    let length =
        config.get("model_max_length").and_then(Value::as_u64).filter(|&length| length < 1 << 40);
    if !facts.has("context-length") {
        facts.property("context-length", length.map(|length| length.to_string()), Some(by));
    }
    let template = config.get("chat_template").is_some_and(|template| !template.is_null());
    facts.property("chat-template", template.then(|| "present".to_owned()), Some(by));
}

/// Take in `generation_config.json`.
pub(super) fn generation(config: &Value, by: &str, facts: &mut Facts) {
    for key in [
        "do_sample",
        "temperature",
        "top_p",
        "top_k",
        "max_new_tokens",
        "max_length",
        "repetition_penalty",
    ] {
        let value = config.get(key).filter(|value| value.is_number() || value.is_boolean());
        let property = format!("generation:{}", key.replace('_', "-"));
        facts.property(&property, value.map(ToString::to_string), Some(by));
    }
}

/// What skops writes of a model of scikit-learn.
fn skops(config: &Value, by: &str, facts: &mut Facts) {
    if let Some(task) = text(config, "task") {
        facts.task.get_or_insert(Declared::new(task, by));
    }
    let columns = config.get("columns").and_then(Value::as_array);
    let columns =
        columns.map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
    facts.property("columns", columns.as_deref().and_then(line), Some(by));
    facts.property("library", Some("sklearn".into()), Some(by));
}

/// A quantisation in words: `gptq, 4 bits, groups of 128`.
fn quantisation(config: &Value) -> Option<String> {
    let mut words = Vec::new();
    words.extend(text(config, "quant_method"));
    let flag = |key: &str| config.get(key).and_then(Value::as_bool) == Some(true);
    let bits = number(config, "bits").or_else(|| number(config, "w_bit")).or_else(|| match () {
        () if flag("load_in_4bit") || flag("_load_in_4bit") => Some("4".into()),
        () if flag("load_in_8bit") || flag("_load_in_8bit") => Some("8".into()),
        () => None,
    });
    words.extend(bits.map(|bits| format!("{bits} bits")));
    words.extend(text(config, "bnb_4bit_quant_type"));
    let group = number(config, "group_size").or_else(|| number(config, "q_group_size"));
    words.extend(group.map(|size| format!("groups of {size}")));
    words.extend(text(config, "fmt").or_else(|| text(config, "format")));
    line(&words.join(", "))
}

fn text(config: &Value, key: &str) -> Option<String> {
    config.get(key).and_then(Value::as_str).and_then(name)
}

/// A whole number that is not negative, in digits.
fn number(config: &Value, key: &str) -> Option<String> {
    config.get(key).and_then(Value::as_u64).map(|number| number.to_string())
}

/// Sizes, with the keys that have them in the configurations of transformers, the usual one first.
const SIZES: &[(&str, &[&str])] = &[
    (
        "layers",
        &[
            "num_hidden_layers",
            "n_layer",
            "n_layers",
            "num_layers",
            "encoder_layers",
            "num_transformer_layers",
        ],
    ),
    ("decoder-layers", &["decoder_layers", "num_decoder_layers"]),
    ("vocabulary", &["vocab_size"]),
    (
        "context-length",
        &[
            "max_position_embeddings",
            "n_positions",
            "n_ctx",
            "max_seq_len",
            "seq_length",
            "max_sequence_length",
            "max_target_positions",
        ],
    ),
    ("hidden-size", &["hidden_size", "n_embd", "d_model", "dim", "embed_dim"]),
    ("intermediate-size", &["intermediate_size", "n_inner", "d_ff", "ffn_dim", "encoder_ffn_dim"]),
    (
        "attention-heads",
        &["num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads"],
    ),
    ("key-value-heads", &["num_key_value_heads"]),
    ("experts", &["num_local_experts", "num_experts", "n_routed_experts"]),
    ("image-size", &["image_size"]),
];
