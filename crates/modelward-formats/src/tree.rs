//! The listing of a whole target folder.
//!
//! It is an asset of its own because some questions no single file can answer: whether the code
//! that a configuration names lies in the folder at all.

use std::{collections::BTreeMap, ops::ControlFlow};

use crate::{Asset, Budget, Bytes, Expects, Gap, Part, Refusal, json::Json};

/// Every file of a folder, by its path relative to the folder, with `/` between the components.
#[derive(Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, Bytes>,
}

impl Tree {
    /// A listing of these files: relative path and content. The order does not matter.
    pub fn new(files: Vec<(String, Bytes)>) -> Self {
        Self { files: files.into_iter().collect() }
    }

    /// Every file, in the order of the paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes))
    }

    /// Whether there is a file of this relative path.
    pub fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
}

impl Asset for Tree {
    fn format(&self) -> &'static str {
        "folder"
    }

    /// The modules that a configuration of the folder names and that are not there: a loader takes
    /// them from elsewhere, or fails.
    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        let configurations = self.files().filter(|(path, bytes)| {
            path.ends_with(".json") && bytes.len() <= LARGEST_CONFIGURATION
        });
        for (path, bytes) in configurations {
            let json = Json::read(bytes, &Budget::default()).unwrap_or_default();
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for named in json.references {
                let Some(module) = own_module(&named.path, &named.text) else { continue };
                let file = if folder.is_empty() { module } else { format!("{folder}/{module}") };
                if self.contains(&file) {
                    continue;
                }
                let why = format!("`{path}` names code of `{file}`, which is not in this folder");
                let bytes = Err(Refusal::new(named.at, Gap::MissingPart, why));
                if visit(Part { name: file, bytes, expects: Expects::Anything }).is_break() {
                    return;
                }
            }
        }
    }
}

/// The file of a module of this repository that `auto_map` names: `modeling_x.Class`.
fn own_module(path: &str, text: &str) -> Option<String> {
    let named = path.split('.').any(|step| step == "auto_map") && !text.contains("--");
    let (module, _) = text.rsplit_once('.').filter(|_| named)?;
    Some(format!("{}.py", module.replace('.', "/")))
}

/// Configurations that name code are short; vocabularies are not.
const LARGEST_CONFIGURATION: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_is_named_and_not_there_is_a_gap() {
        let config =
            br#"{"auto_map": {"A": "here.X", "B": ["sub.gone.Y", null], "C": "o/r--z.Z"}}"#;
        let config = ("m/config.json".to_owned(), Bytes::from(&config[..]));
        let tree = Tree::new(vec![config, ("m/here.py".to_owned(), Bytes::from(&b""[..]))]);
        let mut missing = Vec::new();
        tree.parts(&mut |part| {
            assert_eq!(part.bytes.unwrap_err().gap, Gap::MissingPart);
            missing.push(part.name);
            ControlFlow::Continue(())
        });
        assert_eq!(missing, ["m/sub/gone.py"]);
    }
}
