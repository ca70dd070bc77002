//! What a code object consists of in each version of Python: `Python/marshal.c`, `TYPE_CODE`.

use super::dialect::{self, Dialect};

/// The layout of code objects over some versions.
#[derive(Debug)]
pub(super) struct Layout {
    /// Whole numbers at the start: argument counts, stack size, flags.
    pub(super) numbers: usize,
    /// Objects between those and the number of the first line.
    pub(super) objects: usize,
    /// Which of them is the name.
    pub(super) name: usize,
    /// Tables behind the number of the first line.
    pub(super) tables: usize,
    /// Whether the objects are of the types that they have in this layout.
    pub(super) fits: fn(&[Kind; 8]) -> bool,
    /// Bytes before the stream in a `.pyc` file.
    pub(super) headers: &'static [u64],
    /// How the opcodes may be numbered.
    pub(super) dialects: &'static [&'static Dialect],
}

/// What a layout asks of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bytes,
    Items,
    Other,
}

/// Every layout, the newest first.
pub(super) const LAYOUTS: &[Layout] = &[
    // 3.11 to 3.14: code, constants, names, local names, their kinds, file, name, qualified name.
    Layout {
        numbers: 5,
        objects: 8,
        name: 7,
        tables: 2,
        fits: |objects| {
            let [.., locals, kinds, file, name, qualified] = *objects;
            (locals, kinds) == (Kind::Items, Kind::Bytes)
                && [file, name, qualified] == [Kind::Text; 3]
        },
        headers: &[16],
        dialects: dialect::NEW,
    },
    // 3.8 to 3.10: code, constants, names, local, free and cell names, file, name.
    Layout {
        numbers: 6,
        objects: 8,
        name: 7,
        tables: 1,
        fits: variables_apart,
        headers: &[16],
        dialects: dialect::OLD,
    },
    // 3.3 to 3.7: no count of positional-only arguments.
    Layout {
        numbers: 5,
        objects: 8,
        name: 7,
        tables: 1,
        fits: variables_apart,
        headers: &[16, 12],
        dialects: dialect::OLD,
    },
    // 2.x: no count of keyword-only arguments either, text is bytes, and instructions have no
    // fixed width, so that the walk does not follow them.
    Layout {
        numbers: 4,
        objects: 8,
        name: 7,
        tables: 1,
        fits: |objects| {
            let [.., locals, free, cells, file, name] = *objects;
            let text = |kind| matches!(kind, Kind::Text | Kind::Bytes);
            [locals, free, cells] == [Kind::Items; 3] && text(file) && text(name)
        },
        headers: &[8],
        dialects: &[],
    },
];

fn variables_apart(objects: &[Kind; 8]) -> bool {
    let [.., locals, free, cells, file, name] = *objects;
    [locals, free, cells] == [Kind::Items; 3] && [file, name] == [Kind::Text; 2]
}
