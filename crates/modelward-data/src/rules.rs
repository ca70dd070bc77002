//! What can be wrong with a data set.

use modelward_core::{Class, Rule, Severity};

/// Every rule of this crate, by number.
pub const RULES: &[&Rule] =
    &[&DATA_MALFORMED, &OBJECT_ARRAY, &LABEL_ERROR, &OUTLIER, &OUT_OF_RANGE];

/// Bytes that loaders read differently, or in part.
pub static DATA_MALFORMED: Rule = Rule {
    id: "MW3001",
    name: "data-malformed",
    severity: Severity::Medium,
    title: "the data are not as their form wants them",
    why: "Rows with too many or too few fields, a name twice, a header inside, types that change, numbers \
          that lose digits: loaders repair these in silence, each in its own way. What is trained on is \
          then not what was looked at.",
    advice: "Mend the file at the place that is named, or write it anew from its source.",
    class: Class::Poisoning,
    cwe: &[20],
};

/// Objects where numbers ought to be.
pub static OBJECT_ARRAY: Rule = Rule {
    id: "MW3002",
    name: "data-object-array",
    severity: Severity::High,
    title: "data that are a pickle",
    why: "An array of objects, and a member that a loader unpickles, are programs: whoever loads them runs \
          what is written there. Here they are named and never loaded.",
    advice: "Do not load it; ask for plain numbers, or look into it with `modelward scan`.",
    class: Class::MaliciousFile,
    cwe: &[502],
};

/// Labels that the rest of their row does not bear out.
pub static LABEL_ERROR: Rule = Rule {
    id: "MW3101",
    name: "label-error",
    severity: Severity::Medium,
    title: "labels look wrong",
    why: "Learners that never saw these rows are sure of another label. A model that is trained on wrong \
          labels learns them, and a test set with wrong labels judges it wrongly.",
    advice: "Look at the rows and their suggested labels; mend them, or take them out with \
             `modelward data clean --only label-error`.",
    class: Class::Poisoning,
    cwe: &[],
};

/// Rows that lie where no others do.
pub static OUTLIER: Rule = Rule {
    id: "MW3301",
    name: "outlier",
    severity: Severity::Low,
    title: "rows are out of place",
    why: "Rows that lie where no others do are errors of measuring or joining, or another population; a few \
          of them move means, scales and decision borders.",
    advice: "Look at the columns that are named; mend the rows, or take them out with \
             `modelward data clean --only outlier`.",
    class: Class::Poisoning,
    cwe: &[],
};

/// Values that their column alone rules out.
pub static OUT_OF_RANGE: Rule = Rule {
    id: "MW3302",
    name: "value-out-of-range",
    severity: Severity::Low,
    title: "values lie far out of their column's range",
    why: "A number far from all others of its column, or a category that stands once, is most often a wrong \
          unit, a sentinel for a missing value, or a slip of the pen.",
    advice: "Compare the values that are named with their source.",
    class: Class::Poisoning,
    cwe: &[],
};
