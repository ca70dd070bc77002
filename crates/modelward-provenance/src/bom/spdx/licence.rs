//! Licences: expressions, and names of licences that no list has.

use serde_json::json;

use super::{Graph, MODEL, entry};
use crate::bom::{Facts, Licence, Term};

/// Put in the licences of the model.
pub(super) fn write(facts: &Facts, graph: &mut Graph) {
    let model = graph.id(MODEL);
    for (number, Licence { term, address, by, concluded }) in (1..).zip(&facts.licences) {
        let expression = match term {
            Term::Id(id) => json!({"simplelicensing_licenseExpression": id}),
            Term::Expression(text) => json!({"simplelicensing_licenseExpression": text}),
            Term::Name(name) => {
                let text = address.as_ref().map(|address| format!("{name}, {address}"));
                let text = json!({
                    "name": name,
                    "simplelicensing_licenseText": text.unwrap_or_else(|| name.clone()),
                });
                let named = format!("licence-text-{number}");
                let named = graph.element("simplelicensing_SimpleLicensingText", &named, text);
                let reference = reference(name);
                json!({
                    "simplelicensing_licenseExpression": reference,
                    "simplelicensing_customIdToUri": [entry(&reference, Some(&named))],
                })
            }
        };
        let name = format!("licence-{number}");
        let licence = graph.element("simplelicensing_LicenseExpression", &name, expression);
        let (kind, told) = match concluded {
            true => ("hasConcludedLicense", "recognised by the text of"),
            false => ("hasDeclaredLicense", "declared by"),
        };
        let fields = json!({"comment": format!("{told} {by}")});
        graph.relationship(&format!("has-licence-{number}"), kind, &model, vec![licence], fields);
    }
}

/// A reference to a licence of no list: letters, digits, `-` and `.`.
fn reference(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' });
    format!("LicenseRef-{}", plain.collect::<String>())
}
