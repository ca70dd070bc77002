//! `yaml-python-tag`: YAML that makes Python objects while it is read.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::yaml::Yaml;

use crate::Check;
#[cfg(test)]
use crate::Samples;

pub(crate) struct YamlPythonTag;

impl Check for YamlPythonTag {
    type Asset = Yaml;

    const RULE: Rule = Rule {
        id: "MW1512",
        name: "yaml-python-tag",
        severity: Severity::High,
        title: "this YAML makes Python objects while it is read",
        why: "A tag such as `!!python/object/apply:os.system` makes PyYAML import a module and call \
              a function, where it is read with `yaml.unsafe_load`, with `yaml.Loader`, or by \
              releases before 5.1 at all.",
        advice: "Do not read the file with anything but `yaml.safe_load`, and ask for one without \
                 such tags.",
        class: Class::UnsafeCode,
        cwe: &[502],
    };

    fn check(yaml: &Yaml, out: &mut Findings<'_>) {
        for (at, tag) in &yaml.python {
            let plain = PLAIN.iter().any(|kind| tag.ends_with(&format!("python/{kind}")));
            if !plain {
                out.report(format!("has the tag `{tag}`"), Evidence::bytes(*at, tag.as_str()));
            }
        }
    }

    #[cfg(test)]
    fn samples() -> Samples {
        let fires = [
            "a: !!python/object/apply:os.system [\"id\"]\n",
            "!!python/object/new:os.system [id]\n",
            "--- !<tag:yaml.org,2002:python/object/apply:os.system>\n- id\n",
            "%TAG ! tag:yaml.org,2002:python/\n---\na: !object/apply:os.system [id]\n",
            "a: !!pyth%6fn/name:os.system ''\n",
            "{a: !!python/module:evil ''}\n",
        ];
        let silent = ["a: !!python/tuple [1, 2]\n", "a: !!str python/object\nb: !custom x\n"];
        Samples { fires: fires.map(Vec::from).to_vec(), silent: silent.map(Vec::from).to_vec() }
    }
}

/// Tags of PyYAML that make plain values.
const PLAIN: &[&str] = &[
    "bool", "bytes", "complex", "dict", "float", "int", "list", "long", "none", "str", "tuple",
    "unicode",
];
