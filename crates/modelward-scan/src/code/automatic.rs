//! Code that a configuration makes a loader import.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::json::{Json, Text};

use crate::Check;
#[cfg(test)]
use crate::Samples;

pub(crate) struct Automatic;

impl Check for Automatic {
    type Asset = Json;

    const RULE: Rule = Rule {
        id: "MW1701",
        name: "automatic-repository-code",
        severity: Severity::Medium,
        title: "this configuration makes a loader import Python code",
        why: "Configurations of transformers, diffusers, PEFT and sentence-transformers may name \
              Python modules that come with the model. A loader imports them, with \
              `trust_remote_code` or without, and importing runs whatever they contain.",
        advice: "Read the modules that are named before you load the model, and pin the revision; \
                 better, use a model whose code is part of the library.",
        class: Class::UnsafeCode,
        cwe: &[829],
    };

    fn check(json: &Json, out: &mut Findings<'_>) {
        for named in &json.references {
            if let Some(message) = imported(json, named) {
                out.report(message, Evidence::bytes(named.at, shown(named)));
            }
        }
    }

    #[cfg(test)]
    fn samples() -> Samples {
        let fires = [
            r#"{"architectures": ["X"], "auto_map": {"AutoModel": "modeling_x.XModel"}}"#,
            r#"{"auto_map": {"AutoTokenizer": ["tokenization_x.X", null]}}"#,
            r#"{"auto_map": ["tokenization_x.X", null]}"#,
            r#"{"custom_pipelines": {"task": {"impl": "pipeline_x.X", "pt": ["AutoModel"]}}}"#,
            r#"{"_class_name": ["pipeline_x", "XPipeline"], "_diffusers_version": "0.30"}"#,
            r#"{"_class_name": "P", "_diffusers_version": "0.30", "unet": ["my_unet", "U"]}"#,
            r#"[{"idx": 0, "name": "0", "path": "", "type": "custom_st.Transformer"}]"#,
            r#"{"auto_mapping": {"parent_library": "evil.module"}}"#,
        ];
        let silent = [
            r#"{"architectures": ["BertModel"], "model_type": "bert"}"#,
            r#"{"auto_map": {"AutoModel": "owner/repo--modeling_x.XModel"}}"#,
            r#"{"_class_name": "P", "_diffusers_version": "0.30", "unet": ["diffusers", "U"],
                "safety_checker": ["stable_diffusion", "S"], "feature_extractor": [null, null]}"#,
            r#"[{"idx": 0, "type": "sentence_transformers.models.Transformer"}]"#,
            r#"{"auto_mapping": {"parent_library": "transformers.models.llama.modeling_llama"}}"#,
            r#"{"type": "anything.Else", "labels": ["a", "b"]}"#,
        ];
        Samples { fires: fires.map(Vec::from).to_vec(), silent: silent.map(Vec::from).to_vec() }
    }
}

/// What a loader imports because of this string, if anything.
fn imported(json: &Json, named: &Text) -> Option<String> {
    let Text { path, text, .. } = named;
    let last = path.rsplit('.').next().unwrap_or(path);
    let has = |key: &str| json.keys.iter().any(|each| each == key);
    let root = text.split('.').next().unwrap_or_default();
    if of_auto_map(path) {
        return (!text.contains("--")).then(|| module(path, text));
    }
    if last.starts_with("impl") && path.contains("custom_pipelines")
        || last.starts_with("custom_pipeline") && !last.starts_with("custom_pipelines")
    {
        return Some(module(path, text));
    }
    if last == "parent_library" {
        return (!LIBRARIES.contains(&root)).then(|| format!("`{path}` imports `{text}`"));
    }
    if path.starts_with('[') && last == "type" {
        let modules =
            text.contains('.') && json.references.iter().any(|each| each.path == "[0].type");
        return (modules && root != "sentence_transformers").then(|| module(path, text));
    }
    // Components of a pipeline: `"unet": ["module", "Class"]`.
    let component = path.strip_suffix("[0]").filter(|name| !name.contains(['.', '[']))?;
    let pipeline = has("_diffusers_version") || has("_class_name");
    let class = json.references.iter().any(|each| each.path == format!("{component}[1]"));
    let own = !LIBRARIES.contains(&root) && !PIPELINES.contains(&text.as_str());
    (pipeline && class && own && text != "null")
        .then(|| format!("`{component}` is a class of `{text}.py`, which a loader imports"))
}

/// Whether a string stands under `auto_map`.
pub(super) fn of_auto_map(path: &str) -> bool {
    // A list is the older form, of tokenizers.
    path.split('.').any(|step| step.split('[').next() == Some("auto_map"))
}

pub(super) fn shown(named: &Text) -> String {
    format!("{}: {:?}", named.path, named.text)
}

fn module(path: &str, text: &str) -> String {
    let (module, class) = text.rsplit_once('.').unwrap_or((text, ""));
    let module = module.replace('.', "/");
    if class.is_empty() || class == "py" {
        return format!("`{path}` names code to import: `{text}`");
    }
    format!("`{path}` is `{class}` of `{module}.py`, which a loader imports")
}

/// Libraries that are installed, so that nothing of the repository is imported.
const LIBRARIES: &[&str] = &[
    "diffusers",
    "onnxruntime",
    "open_clip",
    "optimum",
    "peft",
    "sentence_transformers",
    "timm",
    "torch",
    "torchvision",
    "transformers",
];

/// Modules of `diffusers.pipelines` that pipelines name without their package.
const PIPELINES: &[&str] = &[
    "audioldm",
    "audioldm2",
    "aura_flow",
    "blip_diffusion",
    "cogvideo",
    "controlnet",
    "deepfloyd_if",
    "flux",
    "hunyuandit",
    "kandinsky",
    "kandinsky2_2",
    "kandinsky3",
    "latent_diffusion",
    "lumina",
    "musicldm",
    "onnx_utils",
    "paint_by_example",
    "pixart_alpha",
    "sana",
    "shap_e",
    "spectrogram_diffusion",
    "stable_cascade",
    "stable_diffusion",
    "stable_diffusion_safe",
    "stable_diffusion_xl",
    "stable_diffusion_3",
    "stable_video_diffusion",
    "unclip",
    "unidiffuser",
    "versatile_diffusion",
    "wuerstchen",
];
