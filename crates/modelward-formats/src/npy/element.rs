//! Element types (`dtype.descr`): how many bytes an element takes, and whether it is an object.

use super::literal::Literal;

/// What is known of an element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ElementType {
    /// Bytes of one element.
    pub(super) size: u64,
    /// Whether a Python object is in it, at any depth.
    pub(super) objects: bool,
    /// Its letter, where it is one plain number, truth or text, and whether its bytes are reversed.
    pub(super) plain: Option<(char, bool)>,
}

impl ElementType {
    /// The type that a `descr` says: a code, a list of named fields, or a pair of type and shape.
    pub(super) fn of(descr: &Literal) -> Result<Self, String> {
        match descr {
            Literal::Text(code) => Self::of_code(code),
            Literal::Tuple(pair) => match pair.as_slice() {
                [element, shape] => Self::of(element)?.times(shape),
                _ => Err("expected a pair of type and shape".into()),
            },
            Literal::List(fields) => {
                let nothing = Self { size: 0, objects: false, plain: None };
                fields.iter().try_fold(nothing, |sum, field| sum.and(Self::of_field(field)?))
            }
            _ => Err("expected a type".into()),
        }
    }

    /// A name, perhaps with a title, a type, and perhaps a shape.
    fn of_field(field: &Literal) -> Result<Self, String> {
        let Literal::Tuple(field) = field else { return Err("expected a field".into()) };
        let is_name = |name: &Literal| match name {
            Literal::Text(_) => true,
            Literal::Tuple(pair) => {
                matches!(pair.as_slice(), [Literal::Text(_), Literal::Text(_)])
            }
            _ => false,
        };
        match field.as_slice() {
            [name, element] if is_name(name) => Self::of(element),
            [name, element, shape] if is_name(name) => Self::of(element)?.times(shape),
            _ => Err("expected a field's name and type".into()),
        }
    }

    /// A code: a byte order, a letter, a width.
    fn of_code(code: &str) -> Result<Self, String> {
        let unknown = || format!("unknown element type `{}`", code.escape_default());
        let bare = code.strip_prefix(['<', '>', '|', '=']).unwrap_or(code);
        let mut letters = bare.chars();
        let letter = letters.next().ok_or_else(unknown)?;
        let width = letters.as_str();
        let (size, objects) = match (letter, width) {
            ('?', "") => (Some(1), false),
            ('b', "1") | ('i' | 'u', "1" | "2" | "4" | "8") => (number(width), false),
            ('f', "2" | "4" | "8" | "12" | "16") => (number(width), false),
            ('c', "8" | "16" | "24" | "32") => (number(width), false),
            ('S' | 'a' | 'V', _) => (number(width), false),
            // Characters of four bytes.
            ('U', _) => (number(width).and_then(|width| width.checked_mul(4)), false),
            ('M' | 'm', "8") => (Some(8), false),
            ('M' | 'm', _) if is_unit(width) => (Some(8), false),
            ('O', "" | "4" | "8") => (Some(8), true),
            _ => (None, false),
        };
        let plain = Some((letter, code.starts_with('>')));
        Ok(Self { size: size.ok_or_else(unknown)?, objects, plain })
    }

    fn times(self, shape: &Literal) -> Result<Self, String> {
        let sizes = match shape {
            Literal::Tuple(sizes) => sizes.as_slice(),
            single => std::slice::from_ref(single),
        };
        let size = sizes.iter().try_fold(self.size, |product, size| match size {
            Literal::Number(size) => product.checked_mul(u64::try_from(*size).ok()?),
            _ => None,
        });
        let size = size.ok_or("expected a shape of numbers that multiply within 64 bits")?;
        Ok(Self { size, plain: None, ..self })
    }

    fn and(self, other: Self) -> Result<Self, String> {
        let size = self.size.checked_add(other.size).ok_or("an element beyond 64 bits")?;
        Ok(Self { size, objects: self.objects || other.objects, plain: None })
    }
}

fn number(width: &str) -> Option<u64> {
    let plain = !width.is_empty() && width.bytes().all(|byte| byte.is_ascii_digit());
    width.parse().ok().filter(|_| plain)
}

/// The unit of a date or a span: `8[25s]`.
fn is_unit(width: &str) -> bool {
    let unit = width.strip_prefix("8[").and_then(|unit| unit.strip_suffix(']'));
    unit.is_some_and(|unit| !unit.is_empty() && unit.bytes().all(|b| b.is_ascii_alphanumeric()))
}
