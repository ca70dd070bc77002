//! Scripts that the `datasets` library imports to build a data set.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};

#[cfg(test)]
use crate::Samples;
use crate::{Check, file::File};

pub(crate) struct DatasetScript;

impl Check for DatasetScript {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1705",
        name: "dataset-script",
        severity: Severity::Medium,
        title: "loading this data set runs a Python script",
        why: "A data set that is built by a script is a program: `load_dataset` downloads the \
              script and imports it. Such scripts have carried shells and stolen credentials.",
        advice: "Read the script, or use the same data as Parquet, which needs none.",
        class: Class::UnsafeCode,
        cwe: &[829],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        let Some(stem) = file.name.strip_suffix(".py") else { return };
        let text = file.head();
        let builder = text.lines().map(str::trim_start).find(|line| {
            line.starts_with("class ") && BUILDERS.iter().any(|builder| line.contains(builder))
        });
        let imports = text.contains("import datasets") || text.contains("from datasets import");
        let named = imports && file.folder.as_deref() == Some(stem);
        if builder.is_some() || named {
            let line = builder.unwrap_or("import datasets");
            let message = "`load_dataset` runs this script to build the data set";
            out.report(message, Evidence::bytes(0, line.chars().take(120).collect::<String>()));
        }
    }

    #[cfg(test)]
    fn samples() -> Samples {
        Samples {
            fires: vec![
                b"import datasets\nclass X(datasets.GeneratorBasedBuilder):\n  pass\n".to_vec(),
                b"from datasets import load_dataset\n".to_vec(),
            ],
            silent: vec![b"import torch\nclass X(torch.nn.Module):\n  pass\n".to_vec()],
        }
    }

    #[cfg(test)]
    fn sample_name() -> &'static str {
        "reviews/reviews.py"
    }
}

/// The classes that builders of data sets derive from.
const BUILDERS: &[&str] =
    &["GeneratorBasedBuilder", "ArrowBasedBuilder", "BeamBasedBuilder", "DatasetBuilder"];
