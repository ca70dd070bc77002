//! The card of a model: the YAML between two `---` at the head of its `README.md`.
//!
//! Source: Hugging Face, "Model Card metadata"; results after its `model-index`.

use modelward_formats::{Budget, Refusal, yaml::Node};

use super::{
    facts::{Base, Declared, Facts, Metric},
    licence::Licence,
    source::Source,
    task,
    text::{line, name},
};

/// Take in what a card says.
///
/// # Errors
/// Where its head is no YAML.
pub(super) fn read(text: &str, by: &str, facts: &mut Facts) -> Result<(), Refusal> {
    let Some(head) = front_matter(text) else { return Ok(()) };
    let Some(card) = Node::read(head, &Budget::default())? else { return Ok(()) };
    let first = |key: &str| card.at(key).and_then(|node| node.texts().into_iter().next());
    let all = |key: &str| card.at(key).map(Node::texts).unwrap_or_default();
    licences(&card, by, facts);
    if let Some(task) = first("pipeline_tag").and_then(name) {
        facts.task.get_or_insert(Declared::new(task, by));
    }
    let datasets = all("datasets").into_iter().filter_map(name);
    facts.datasets.extend(datasets.take(MOST).map(|name| Declared::new(name, by)));
    let relation = first("base_model_relation").and_then(name);
    for base in all("base_model").into_iter().filter_map(name).take(MOST) {
        let (repository, relation) = (Source::repository(&base), relation.clone());
        facts.bases.push(Base { name: base, repository, relation, by: by.into() });
    }
    let tags = all("tags");
    if let Some(approach) = task::approach(&tags, facts.task.as_ref().map(|task| &*task.value)) {
        facts.approach.get_or_insert(Declared::new(approach.to_owned(), by));
    }
    facts.tags.extend(tags.into_iter().filter_map(name).take(MOST));
    for (key, property) in [
        ("language", "language"),
        ("library_name", "library"),
        ("metrics", "metrics"),
        ("model_name", "model-name"),
    ] {
        let values =
            all(key).into_iter().filter_map(name).take(MOST).collect::<Vec<_>>().join(", ");
        facts.property(property, line(&values), Some(by));
    }
    results(&card, facts);
    Ok(())
}

fn licences(card: &Node, by: &str, facts: &mut Facts) {
    let all = |key: &str| card.at(key).map(Node::texts).unwrap_or_default();
    let link = all("license_link").first().copied();
    // A licence of its own has its name beside the word `other`.
    let own = all("license_name").first().copied();
    for text in all("license").into_iter().take(MOST) {
        let named =
            if text.trim().eq_ignore_ascii_case("other") { own.unwrap_or(text) } else { text };
        facts.licence(Licence::declared(named, link, by));
    }
}

/// The results of `model-index`, each as one metric of a slice.
fn results(card: &Node, facts: &mut Facts) {
    let list =
        |node: &Node, key: &str| node.at(key).map(|node| node.list().to_vec()).unwrap_or_default();
    let text = |node: &Node, key: &str| node.at(key).and_then(Node::text).and_then(line);
    for model in list(card, "model-index") {
        for result in list(&model, "results") {
            let slice = ["task", "dataset"].into_iter().filter_map(|part| {
                let part = result.at(part)?;
                let words = ["name", "type", "config", "split"]
                    .into_iter()
                    .filter_map(|key| text(part, key));
                Some(words.collect::<Vec<_>>().join(" "))
            });
            let slice = line(&slice.collect::<Vec<_>>().join("; "));
            for metric in list(&result, "metrics") {
                if facts.metrics.len() >= MOST {
                    return;
                }
                let kind = text(&metric, "type").or_else(|| text(&metric, "name"));
                let Some(kind) = kind else { continue };
                let value = text(&metric, "value");
                facts.metrics.push(Metric { kind, value, slice: slice.clone() });
            }
        }
    }
}

/// What stands between the first line `---` and the next.
fn front_matter(text: &str) -> Option<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text.strip_prefix("---")?;
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))?;
    let mut at = 0_usize;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return rest.get(..at);
        }
        at = at.saturating_add(line.len());
    }
    None
}

/// How many datasets, licences, tags and results of one card are kept.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use super::front_matter;

    #[test]
    fn the_head_ends_at_its_second_line() {
        assert_eq!(front_matter("---\na: 1\n---\n# x\n---\n"), Some("a: 1\n"));
        assert_eq!(front_matter("\u{feff}---\r\na: ---b\r\n---\r\n"), Some("a: ---b\r\n"));
        for text in ["# x", "---\na: 1\n", "--- \na\n---", ""] {
            assert_eq!(front_matter(text), None, "{text}");
        }
    }
}
