//! Which columns are what: the label, the group, the text.

use arrow_schema::Schema;

use crate::{Kind, Trouble, kind};

/// The roles that the user names.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The column that holds the label; several, with commas between, where a row has several labels.
    pub label: Option<String>,
    /// The column whose equal values belong together: a patient, a user.
    pub group: Option<String>,
    /// The column of texts.
    pub text: Option<String>,
}

/// The roles of a set's columns, by their index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// The label.
    pub label: Option<usize>,
    /// The labels, where the user names several; there is no one label then.
    pub labels: Vec<usize>,
    /// Whether the label was guessed by its name.
    pub guessed: bool,
    /// The group.
    pub group: Option<usize>,
    /// The text.
    pub text: Option<usize>,
}

impl Roles {
    /// The roles that the user names, and a label that is called as labels are.
    ///
    /// # Errors
    /// Where the set has no column of that name, with the name that comes nearest.
    pub fn of(asked: &Asked, schema: &Schema) -> Result<Self, Trouble> {
        let find = |name: &Option<String>| match name {
            Some(name) => column(schema, name).map(Some),
            None => Ok(None),
        };
        let (group, text) = (find(&asked.group)?, find(&asked.text)?);
        let several = asked.label.as_deref().filter(|name| at(schema, name).is_none());
        let several = several.filter(|names| names.contains(','));
        if let Some(names) = several {
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            let mut labels =
                names.map(|name| column(schema, name)).collect::<Result<Vec<_>, _>>()?;
            labels.sort_unstable();
            labels.dedup();
            return Ok(Self { label: None, labels, guessed: false, group, text });
        }
        let label = find(&asked.label)?;
        let guess = || LABELS.iter().find_map(|name| at(schema, name));
        let guessed = label.is_none();
        let label = label.or_else(guess).filter(|label| Some(*label) != group);
        Ok(Self { label, labels: Vec::new(), guessed: guessed && label.is_some(), group, text })
    }

    /// Whether a column is a feature: not a label, and not the group.
    pub fn is_feature(&self, column: usize) -> bool {
        !self.is_label(column) && self.group != Some(column)
    }

    /// Whether a column is a label.
    pub fn is_label(&self, column: usize) -> bool {
        self.label == Some(column) || self.labels.contains(&column)
    }

    /// The columns that hold texts: the one that the user named, or all that are of text and no role.
    pub fn texts(&self, schema: &Schema) -> Vec<usize> {
        match self.text {
            Some(text) => vec![text],
            None => (0..schema.fields().len())
                .filter(|at| self.is_feature(*at) && kind(schema.field(*at)) == Kind::Text)
                .collect(),
        }
    }
}

fn at(schema: &Schema, name: &str) -> Option<usize> {
    schema.fields().iter().position(|field| field.name() == name)
}

fn column(schema: &Schema, name: &str) -> Result<usize, Trouble> {
    at(schema, name).ok_or_else(|| {
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let near = names
            .map(|known| (strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase()), known))
            .max_by(|one, other| one.0.total_cmp(&other.0));
        let trouble = Trouble::new(format!("expected a column `{name}`, found none"));
        match near {
            Some((score, known)) if score > 0.7 => trouble.help(format!("did you mean `{known}`?")),
            _ => {
                let names =
                    schema.fields().iter().take(12).map(|field| format!("`{}`", field.name()));
                trouble.help(format!("the columns are {}", names.collect::<Vec<_>>().join(", ")))
            }
        }
    })
}

/// What labels are called, the surest first.
const LABELS: [&str; 6] = ["label", "labels", "y", "target", "class", "cls"];
