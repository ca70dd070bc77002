//! Code that a configuration takes from another repository.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::json::{Json, Text};

use super::automatic::{of_auto_map, shown};
use crate::Check;
#[cfg(test)]
use crate::Samples;

pub(crate) struct OtherRepository;

impl Check for OtherRepository {
    type Asset = Json;

    const RULE: Rule = Rule {
        id: "MW1702",
        name: "code-from-other-repository",
        severity: Severity::High,
        title: "this configuration makes a loader import code from another repository",
        why: "A name such as `owner/repo--module.Class` makes transformers download a Python file \
              from a repository that is not part of this model, and import it. Its owner can \
              change it at any time, without any change to the model that you checked.",
        advice: "Pin that repository's revision with `code_revision` and read its code, or copy \
                 the code into the model's own repository.",
        class: Class::UnsafeCode,
        cwe: &[829, 494],
    };

    fn check(json: &Json, out: &mut Findings<'_>) {
        for named in json.references.iter().filter(|named| is_kernel(named)) {
            let message = format!("`{}` loads a compiled kernel of `{}`", named.path, named.text);
            out.report(message, Evidence::bytes(named.at, shown(named)));
        }
        let named = json.references.iter().filter(|named| of_auto_map(&named.path));
        for named in named.filter(|named| named.text.contains("--")) {
            let (repository, class) = named.text.split_once("--").unwrap_or_default();
            let message = format!("`{}` is `{class}` of the repository `{repository}`", named.path);
            out.report(message, Evidence::bytes(named.at, shown(named)));
        }
    }

    #[cfg(test)]
    fn samples() -> Samples {
        let fires = [
            r#"{"auto_map": {"AutoModel": "owner/repo--modeling_x.XModel"}}"#,
            r#"{"auto_map": {"AutoTokenizer": [null, "owner/repo--tokenization_x.X"]}}"#,
            r#"{"auto_map": ["owner/repo--tokenization_x.X", null]}"#,
            r#"{"model_type": "llama", "_attn_implementation": "owner/kernel@main:flash"}"#,
        ];
        let silent = [
            r#"{"auto_map": {"AutoModel": "modeling_x.XModel"}}"#,
            r#"{"_name_or_path": "owner/repo--not.Code"}"#,
            r#"{"model_type": "llama", "attn_implementation": "flash_attention_2"}"#,
        ];
        Samples { fires: fires.map(Vec::from).to_vec(), silent: silent.map(Vec::from).to_vec() }
    }
}

/// Whether a configuration names a kernel of a hub in the place of an attention that transformers
/// has. Since 4.56 it is loaded from there.
fn is_kernel(named: &Text) -> bool {
    let last = named.path.rsplit('.').next().unwrap_or_default();
    ATTENTION.contains(&last) && named.text.contains('/')
}

/// Keys that choose an implementation of attention.
const ATTENTION: &[&str] =
    &["_attn_implementation", "attn_implementation", "_attn_implementation_internal"];
