//! What ensembles of trees say of themselves: XGBoost's JSON, LightGBM's text.

use std::io::{self, Read};

use modelward_formats::Bytes;
use serde::{Deserialize, de::IgnoredAny};

use super::facts::{Declared, Facts};
use super::text::name;

/// Take in a file, if it is one of these.
pub(super) fn read(bytes: &Bytes, by: &str, facts: &mut Facts) {
    if bytes.has(0, b"tree\nversion=") {
        lightgbm(bytes, by, facts);
    } else if bytes.has(0, b"{")
        && bytes.len() <= LARGEST
        && bytes.head(64).is_ok_and(|head| speaks_of_learner(&head))
    {
        xgboost(bytes, by, facts);
    }
}

fn speaks_of_learner(head: &[u8]) -> bool {
    head.windows(9).any(|word| word == b"\"learner\"")
        || head.windows(9).any(|word| word == b"\"version\"")
}

/// XGBoost's `Learner` (doc/model.schema): the trees are passed over.
fn xgboost(bytes: &Bytes, by: &str, facts: &mut Facts) {
    #[derive(Deserialize)]
    struct File {
        learner: Learner,
        #[serde(default)]
        version: Vec<u64>,
    }
    #[derive(Deserialize)]
    struct Learner {
        objective: Named,
        gradient_booster: Booster,
        learner_model_param: Sizes,
        #[serde(default)]
        #[allow(dead_code, reason = "passed over")]
        attributes: Option<IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    #[derive(Deserialize)]
    struct Booster {
        name: String,
    }
    #[derive(Deserialize)]
    struct Sizes {
        num_feature: String,
        #[serde(default)]
        num_class: String,
    }
    let text = io::BufReader::new(Stream { bytes, at: 0 });
    let Ok(File { learner, version }) = serde_json::from_reader::<_, File>(text) else { return };
    let family = match learner.gradient_booster.name.as_str() {
        "gbtree" | "dart" => "gradient-boosted trees",
        "gblinear" => "linear model",
        _ => return,
    };
    let version = version.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
    facts.property("producer", name(&format!("xgboost {version}")), Some(by));
    facts.property(
        "classes",
        name(&learner.learner_model_param.num_class).filter(|n| n != "0"),
        Some(by),
    );
    facts
        .architecture
        .get_or_insert(Declared::new(format!("XGBoost {}", learner.gradient_booster.name), by));
    ensemble(family, &learner.objective.name, &learner.learner_model_param.num_feature, by, facts);
}

/// The head of LightGBM's text, up to its first tree.
fn lightgbm(bytes: &Bytes, by: &str, facts: &mut Facts) {
    let head = String::from_utf8_lossy(&bytes.head(LARGEST_HEAD).unwrap_or_default()).into_owned();
    let lines = head.lines().take_while(|line| !line.starts_with("Tree="));
    let entries = lines.filter_map(|line| line.split_once('=')).collect::<Vec<_>>();
    let value =
        |key: &str| entries.iter().find(|(other, _)| *other == key).map(|(_, value)| *value);
    let objective = value("objective").unwrap_or_default();
    let objective = objective.split(' ').next().unwrap_or_default();
    let features =
        value("max_feature_idx").and_then(|last| last.parse::<u32>().ok()?.checked_add(1));
    let features = features.map(|count| count.to_string()).unwrap_or_default();
    facts.property(
        "producer",
        name(&format!("lightgbm {}", value("version").unwrap_or_default())),
        Some(by),
    );
    facts.property("classes", value("num_class").and_then(name), Some(by));
    facts.architecture.get_or_insert(Declared::new("LightGBM".into(), by));
    ensemble("gradient-boosted trees", objective, &features, by, facts);
}

fn ensemble(family: &str, objective: &str, features: &str, by: &str, facts: &mut Facts) {
    facts.family.get_or_insert(Declared::new(family.into(), by));
    facts.property("objective", name(objective), Some(by));
    let task = match objective {
        objective if objective.starts_with("reg:") || objective.starts_with("regression") => {
            Some("tabular-regression")
        }
        objective if objective.starts_with("binary") || objective.starts_with("multi") => {
            Some("tabular-classification")
        }
        _ => None,
    };
    if let Some(task) = task {
        facts.task.get_or_insert(Declared::new(task.into(), by));
    }
    facts.approach.get_or_insert(Declared::new("supervised".into(), by));
    if let Some(features) = features.parse::<u32>().ok().filter(|_| facts.inputs.is_empty()) {
        facts.inputs.push(Declared::new(format!("table of {features} features"), by));
    }
}

/// Bytes as a stream.
struct Stream<'a> {
    bytes: &'a Bytes,
    at: u64,
}

impl Read for Stream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read_at(self.at, into)?;
        self.at = self.at.saturating_add(read as u64);
        Ok(read)
    }
}

/// The longest JSON that is read.
const LARGEST: u64 = 256 << 20;

/// What stands before LightGBM's first tree is one line for each feature at most.
const LARGEST_HEAD: u64 = 1 << 20;
