//! What a model is for, and what that says of what goes in and comes out. The names of tasks are those
//! of the Hugging Face Hub (`pipeline_tag`).

/// What goes into a model for a task, and what comes out.
pub(super) fn ports(task: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    PORTS
        .iter()
        .find(|(tasks, ..)| tasks.contains(&task))
        .map(|(_, inputs, outputs)| (*inputs, *outputs))
}

/// The task of a class of transformers, by the end of its name, and the family of models it is of.
pub(super) fn of_class(class: &str, family: &str) -> Option<&'static str> {
    let (_, task) = CLASSES.iter().find(|(end, _)| class.ends_with(end))?;
    match *task {
        "text2text-generation" if HEARING.contains(&family) => Some("automatic-speech-recognition"),
        "text2text-generation" if SEEING.contains(&family) => Some("image-text-to-text"),
        "text2text-generation" if !FROM_TEXT.contains(&family) => None,
        task => Some(task),
    }
}

/// The task of a pipeline of diffusers.
pub(super) fn of_pipeline(class: &str) -> Option<&'static str> {
    let has = |part: &str| class.contains(part);
    if !class.ends_with("Pipeline") {
        return None;
    }
    Some(match () {
        () if has("Inpaint") || has("Img2Img") || has("Image2Image") || has("InstructPix2Pix") => {
            "image-to-image"
        }
        () if has("ImageToVideo") || has("VideoDiffusion") => "image-to-video",
        () if has("Video") => "text-to-video",
        () if has("Audio") || has("Music") => "text-to-audio",
        () if has("Upscale") => "image-to-image",
        () if has("DDPM") || has("DDIM") => "unconditional-image-generation",
        () if [
            "StableDiffusion",
            "Flux",
            "PixArt",
            "Kandinsky",
            "DiT",
            "Sana",
            "HunyuanDiT",
            "QwenImage",
        ]
        .iter()
        .any(|name| has(name)) =>
        {
            "text-to-image"
        }
        () => return None,
    })
}

/// How a model learnt, where its tags name the method or its task is the method.
pub(super) fn approach(tags: &[&str], task: Option<&str>) -> Option<&'static str> {
    let tagged =
        |names: &[&str]| tags.iter().any(|tag| names.contains(&tag.to_ascii_lowercase().as_str()));
    if task == Some("reinforcement-learning")
        || tagged(&["reinforcement-learning", "ppo", "grpo", "rloo"])
    {
        Some("reinforcement-learning")
    } else if tagged(&["sft", "supervised"]) {
        Some("supervised")
    } else if tagged(&["self-supervised", "self-supervised-learning"]) {
        Some("self-supervised")
    } else {
        None
    }
}

/// Ends of class names of transformers 5, the more special first.
const CLASSES: &[(&str, &str)] = &[
    ("ForCausalLM", "text-generation"),
    ("LMHeadModel", "text-generation"),
    ("ForMaskedLM", "fill-mask"),
    ("ForPreTraining", "feature-extraction"),
    ("ForSequenceClassification", "text-classification"),
    ("ForTokenClassification", "token-classification"),
    ("ForVisualQuestionAnswering", "visual-question-answering"),
    ("ForDocumentQuestionAnswering", "document-question-answering"),
    ("ForTableQuestionAnswering", "table-question-answering"),
    ("ForQuestionAnswering", "question-answering"),
    ("ForMultipleChoice", "multiple-choice"),
    ("ForNextSentencePrediction", "text-classification"),
    ("ForImageClassification", "image-classification"),
    ("ForZeroShotImageClassification", "zero-shot-image-classification"),
    ("ForZeroShotObjectDetection", "zero-shot-object-detection"),
    ("ForObjectDetection", "object-detection"),
    ("ForSemanticSegmentation", "image-segmentation"),
    ("ForImageSegmentation", "image-segmentation"),
    ("ForInstanceSegmentation", "image-segmentation"),
    ("ForUniversalSegmentation", "image-segmentation"),
    ("ForDepthEstimation", "depth-estimation"),
    ("ForVideoClassification", "video-classification"),
    ("ForAudioClassification", "audio-classification"),
    ("ForAudioFrameClassification", "audio-classification"),
    ("ForCTC", "automatic-speech-recognition"),
    ("ForSpeechSeq2Seq", "automatic-speech-recognition"),
    ("ForTextToSpeech", "text-to-speech"),
    ("ForTextToWaveform", "text-to-audio"),
    ("ForMaskGeneration", "mask-generation"),
    ("ForPrediction", "time-series-forecasting"),
    ("ForVision2Seq", "image-text-to-text"),
    ("ForImageTextToText", "image-text-to-text"),
    ("ForConditionalGeneration", "text2text-generation"),
    ("CLIPModel", "zero-shot-image-classification"),
    ("SiglipModel", "zero-shot-image-classification"),
    ("EncoderModel", "feature-extraction"),
    ("Model", "feature-extraction"),
];

/// Families whose `ForConditionalGeneration` takes text alone.
const FROM_TEXT: &[&str] = &[
    "bart",
    "bigbird_pegasus",
    "blenderbot",
    "blenderbot-small",
    "fsmt",
    "led",
    "longt5",
    "m2m_100",
    "marian",
    "mbart",
    "mt5",
    "mvp",
    "nllb-moe",
    "pegasus",
    "pegasus_x",
    "plbart",
    "prophetnet",
    "switch_transformers",
    "t5",
    "umt5",
    "xlm-prophetnet",
];

/// Families whose `ForConditionalGeneration` takes speech.
const HEARING: &[&str] = &["moonshine", "speech_to_text", "speecht5", "whisper"];

/// Families whose `ForConditionalGeneration` takes images and text.
const SEEING: &[&str] = &[
    "blip",
    "blip-2",
    "gemma3",
    "git",
    "idefics",
    "idefics2",
    "idefics3",
    "instructblip",
    "kosmos-2",
    "llava",
    "llava_next",
    "llava_onevision",
    "mistral3",
    "mllama",
    "paligemma",
    "pix2struct",
    "qwen2_5_vl",
    "qwen2_vl",
    "qwen3_vl",
    "smolvlm",
    "video_llava",
    "vipllava",
];

/// Tasks with what goes in and what comes out.
type Ports = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

const TEXT: &[&str] = &["text"];
const IMAGE: &[&str] = &["image"];
const AUDIO: &[&str] = &["audio"];
const VIDEO: &[&str] = &["video"];
const LABELS: &[&str] = &["labels with scores"];
const VECTORS: &[&str] = &["vectors"];
const TABLE: &[&str] = &["table"];

const PORTS: &[Ports] = &[
    (
        &[
            "text-generation",
            "text2text-generation",
            "translation",
            "summarization",
            "conversational",
        ],
        TEXT,
        TEXT,
    ),
    (
        &["fill-mask", "text-classification", "token-classification", "zero-shot-classification"],
        TEXT,
        LABELS,
    ),
    (&["text-ranking", "multiple-choice"], TEXT, &["scores"]),
    (&["sentence-similarity", "feature-extraction"], TEXT, VECTORS),
    (&["question-answering"], &["question", "context"], TEXT),
    (&["table-question-answering"], &["question", "table"], TEXT),
    (&["image-classification", "zero-shot-image-classification"], IMAGE, LABELS),
    (&["object-detection", "zero-shot-object-detection"], IMAGE, &["boxes with labels"]),
    (&["image-segmentation", "mask-generation"], IMAGE, &["masks"]),
    (&["depth-estimation", "image-to-image"], IMAGE, IMAGE),
    (&["image-feature-extraction"], IMAGE, VECTORS),
    (&["image-to-text"], IMAGE, TEXT),
    (
        &["image-text-to-text", "visual-question-answering", "document-question-answering"],
        &["image", "text"],
        TEXT,
    ),
    (&["any-to-any"], &["text", "image", "audio", "video"], &["text", "image", "audio", "video"]),
    (&["text-to-image"], TEXT, IMAGE),
    (&["text-to-video"], TEXT, VIDEO),
    (&["image-to-video"], IMAGE, VIDEO),
    (&["text-to-speech", "text-to-audio"], TEXT, AUDIO),
    (&["text-to-3d"], TEXT, &["mesh"]),
    (&["image-to-3d"], IMAGE, &["mesh"]),
    (&["audio-to-audio"], AUDIO, AUDIO),
    (&["automatic-speech-recognition"], AUDIO, TEXT),
    (&["audio-classification", "voice-activity-detection"], AUDIO, LABELS),
    (&["audio-text-to-text"], &["audio", "text"], TEXT),
    (&["video-classification"], VIDEO, LABELS),
    (&["video-text-to-text"], &["video", "text"], TEXT),
    (&["unconditional-image-generation"], &["noise"], IMAGE),
    (&["tabular-classification"], TABLE, LABELS),
    (&["tabular-regression"], TABLE, &["numbers"]),
    (&["time-series-forecasting"], &["time series"], &["time series"]),
    (&["reinforcement-learning", "robotics"], &["observations"], &["actions"]),
    (&["graph-ml"], &["graph"], VECTORS),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_tell_their_task() {
        for (class, family, task) in [
            ("LlamaForCausalLM", "llama", Some("text-generation")),
            ("GPT2LMHeadModel", "gpt2", Some("text-generation")),
            ("T5ForConditionalGeneration", "t5", Some("text2text-generation")),
            ("WhisperForConditionalGeneration", "whisper", Some("automatic-speech-recognition")),
            ("LlavaForConditionalGeneration", "llava", Some("image-text-to-text")),
            ("OddForConditionalGeneration", "odd", None),
            ("BertModel", "bert", Some("feature-extraction")),
            ("MyNet", "", None),
        ] {
            assert_eq!(of_class(class, family), task, "{class}");
        }
        assert_eq!(of_pipeline("StableDiffusionXLPipeline"), Some("text-to-image"));
        assert_eq!(of_pipeline("StableDiffusionImg2ImgPipeline"), Some("image-to-image"));
    }

    #[test]
    fn every_task_of_a_class_has_its_ports() {
        for (_, task) in CLASSES {
            assert!(ports(task).is_some(), "{task}");
        }
        assert!(ports("nothing-known").is_none());
    }
}
