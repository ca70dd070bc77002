//! What the opcodes of CPython are numbered in each version, as far as the walk over names and
//! calls asks for it.
//!
//! Nothing in a code object says of which version it is. The instruction that opens a function
//! (RESUME) and the room that instructions leave for inline caches tell.
//!
//! Source: `Lib/opcode.py` and `Lib/_opcode_metadata.py` of CPython 3.8 to 3.14.

/// What an instruction does, as far as the walk goes along with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// Nothing that the walk asks for.
    Nothing,
    /// Widens the argument of the next.
    Extends,
    /// Pushes a name of the module or the class.
    LoadsName,
    /// Pushes a global name.
    LoadsGlobal,
    /// Replaces the top by its attribute.
    LoadsAttribute,
    /// Replaces two by a module.
    Imports,
    /// Pushes a name of the module below it.
    ImportsFrom,
    /// Pops the top into a name.
    StoresName,
    /// Pushes a variable.
    LoadsVariable,
    /// Pushes two variables.
    LoadsTwo,
    /// Pops the top into a variable.
    StoresVariable,
    /// Pops the top into a variable, and pushes another.
    StoresAndLoads,
    /// Pops two into variables.
    StoresTwo,
    /// Pushes a constant.
    LoadsConstant,
    /// Pushes its argument.
    LoadsNumber,
    /// Calls what lies below its arguments.
    Calls,
    /// The same, with a tuple of keywords on top.
    CallsWithKeywords,
    /// Pops the top.
    Pops,
    /// What the walk does not follow: nothing is known of the stack behind it.
    Other,
}

/// The numbers of one version, or of several that agree.
#[derive(Debug)]
pub(super) struct Dialect {
    table: &'static [(u8, Does)],
    /// What opens every function, from 3.11 on.
    pub(super) resume: Option<u8>,
    /// What may stand before that.
    pub(super) before_resume: &'static [u8],
    /// An instruction that no function of this version has, and others have.
    pub(super) without: &'static [u8],
    /// How many low bits of the argument of a global name are flags.
    pub(super) name_flags: u32,
    /// The same of an attribute.
    pub(super) attribute_flags: u32,
    /// The empty units behind the load of a global name, and of an attribute.
    pub(super) caches: [(u8, usize); 2],
}

impl Dialect {
    pub(super) fn does(&self, opcode: u8) -> Does {
        let found = self.table.iter().find(|(number, _)| *number == opcode);
        found.map_or(Does::Other, |(_, does)| *does)
    }
}

/// Whether a code object is of 3.11 or newer is seen in its layout.
pub(super) const OLD: &[&Dialect] = &[&TO_3_10];
/// The dialects of newer ones.
pub(super) const NEW: &[&Dialect] = &[&OF_3_11, &OF_3_12, &OF_3_13, &OF_3_14];

const TO_3_10: Dialect = Dialect {
    table: &[
        (1, Does::Pops),
        (9, Does::Nothing),
        (90, Does::StoresName),
        (97, Does::StoresName),
        (100, Does::LoadsConstant),
        (101, Does::LoadsName),
        (106, Does::LoadsAttribute),
        (108, Does::Imports),
        (109, Does::ImportsFrom),
        (116, Does::LoadsGlobal),
        (124, Does::LoadsVariable),
        (125, Does::StoresVariable),
        (131, Does::Calls),
        (141, Does::CallsWithKeywords),
        (144, Does::Extends),
        (160, Does::LoadsAttribute),
        (161, Does::Calls),
    ],
    resume: None,
    before_resume: &[],
    without: &[],
    name_flags: 0,
    attribute_flags: 0,
    caches: [(0, 0); 2],
};

/// What 3.11 and 3.12 share.
const TABLE_3_12: &[(u8, Does)] = &[
    (0, Does::Nothing),
    (1, Does::Pops),
    (2, Does::Nothing),
    (9, Does::Nothing),
    (90, Does::StoresName),
    (97, Does::StoresName),
    (100, Does::LoadsConstant),
    (101, Does::LoadsName),
    (106, Does::LoadsAttribute),
    (108, Does::Imports),
    (109, Does::ImportsFrom),
    (116, Does::LoadsGlobal),
    (124, Does::LoadsVariable),
    (125, Does::StoresVariable),
    (127, Does::LoadsVariable),
    (135, Does::Nothing),
    (144, Does::Extends),
    (149, Does::Nothing),
    (151, Does::Nothing),
    (160, Does::LoadsAttribute),
    (166, Does::Nothing),
    (171, Does::Calls),
    (172, Does::Nothing),
];

const OF_3_11: Dialect = Dialect {
    table: TABLE_3_12,
    resume: Some(151),
    before_resume: &[0, 1, 9, 75, 135, 144, 149],
    without: &[],
    name_flags: 1,
    attribute_flags: 0,
    caches: [(116, 5), (106, 4)],
};

const OF_3_12: Dialect = Dialect {
    // PRECALL and LOAD_METHOD went with 3.12.
    without: &[160, 166],
    attribute_flags: 1,
    caches: [(116, 4), (106, 9)],
    ..OF_3_11
};

const OF_3_13: Dialect = Dialect {
    table: &[
        (0, Does::Nothing),
        (30, Does::Nothing),
        (32, Does::Pops),
        (34, Does::Nothing),
        (53, Does::Calls),
        (57, Does::CallsWithKeywords),
        (62, Does::Nothing),
        (71, Does::Extends),
        (74, Does::ImportsFrom),
        (75, Does::Imports),
        (82, Does::LoadsAttribute),
        (83, Does::LoadsConstant),
        (85, Does::LoadsVariable),
        (86, Does::LoadsVariable),
        (87, Does::LoadsVariable),
        (88, Does::LoadsTwo),
        (91, Does::LoadsGlobal),
        (92, Does::LoadsName),
        (94, Does::Nothing),
        (110, Does::StoresVariable),
        (111, Does::StoresAndLoads),
        (112, Does::StoresTwo),
        (113, Does::StoresName),
        (114, Does::StoresName),
        (149, Does::Nothing),
    ],
    resume: Some(149),
    before_resume: &[0, 30, 32, 35, 62, 71, 94],
    without: &[],
    name_flags: 1,
    attribute_flags: 1,
    caches: [(91, 4), (82, 9)],
};

const OF_3_14: Dialect = Dialect {
    table: &[
        (0, Does::Nothing),
        (27, Does::Nothing),
        (28, Does::Nothing),
        (31, Does::Pops),
        (33, Does::Nothing),
        (52, Does::Calls),
        (55, Does::CallsWithKeywords),
        (60, Does::Nothing),
        (69, Does::Extends),
        (72, Does::ImportsFrom),
        (73, Does::Imports),
        (80, Does::LoadsAttribute),
        (82, Does::LoadsConstant),
        (84, Does::LoadsVariable),
        (85, Does::LoadsVariable),
        (86, Does::LoadsVariable),
        (87, Does::LoadsTwo),
        (88, Does::LoadsVariable),
        (89, Does::LoadsTwo),
        (92, Does::LoadsGlobal),
        (93, Does::LoadsName),
        (94, Does::LoadsNumber),
        (97, Does::Nothing),
        (112, Does::StoresVariable),
        (113, Does::StoresAndLoads),
        (114, Does::StoresTwo),
        (115, Does::StoresName),
        (116, Does::StoresName),
        (128, Does::Nothing),
    ],
    resume: Some(128),
    before_resume: &[0, 27, 31, 34, 60, 69, 97],
    without: &[],
    name_flags: 1,
    attribute_flags: 1,
    caches: [(92, 4), (80, 9)],
};
