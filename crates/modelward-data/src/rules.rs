//! What can be wrong with a data set.

use modelward_core::{Class, Rule, Severity};

/// Every rule of this crate, by number.
pub const RULES: &[&Rule] = &[
    &DATA_MALFORMED,
    &OBJECT_ARRAY,
    &SCHEMA_CHANGED,
    &DRIFT,
    &LABEL_ERROR,
    &LABEL_SPELLING,
    &CLASS_IMBALANCE,
    &GROUP_GAP,
    &TRIGGER_PATCH,
    &TRIGGER_TEXT,
    &TRIGGER_VALUE,
    &ACTIVATION_CLUSTER,
    &OUTLIER,
    &OUT_OF_RANGE,
    &DUPLICATE,
    &NEAR_DUPLICATE,
    &LEAK_TRAIN_TEST,
    &LEAK_COLUMN,
    &FORMULA_CELL,
    &HIDDEN_CHARACTER,
    &PROMPT_INJECTION,
    &SECRET_IN_DATA,
    &BAD_ADDRESS,
    &HIDDEN_FILE,
    &CODE_IN_DATA,
    &MANIFEST_CHANGED,
];

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

/// Columns that are not as declared, or not as in the other set.
pub static SCHEMA_CHANGED: Rule = Rule {
    id: "MW3003",
    name: "schema-changed",
    severity: Severity::Medium,
    title: "columns are not as they were declared, or not as in the other set",
    why: "A column that is missing, new or of another type, a category that nobody declared, a value that is \
          not there: whatever reads the sets fills, drops or converts these in silence. What is measured is \
          then not what was trained.",
    advice: "Write both sets by the same steps, or drop the column in both; where the change is meant, change \
             the schema.",
    class: Class::Poisoning,
    cwe: &[20],
};

/// The test set is of another kind.
pub static DRIFT: Rule = Rule {
    id: "MW3004",
    name: "drift",
    severity: Severity::Low,
    title: "the test set, or a file, is distributed otherwise",
    why: "Where the columns of the test set lie otherwise than in training, the model is measured on what it \
          never saw, or one of the sets was changed on its way. A file that differs from the others of its set \
          comes from elsewhere, or was changed.",
    advice: "Look at where both sets come from; if the change is real, train on rows that show it.",
    class: Class::Poisoning,
    cwe: &[],
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

/// One label in several ways.
pub static LABEL_SPELLING: Rule = Rule {
    id: "MW3102",
    name: "label-spelling",
    severity: Severity::Low,
    title: "one label written in several ways",
    why: "Labels that differ by a space, a leading zero or the case of their letters are classes of their own \
          to whatever reads them: one class is split, and each part is learned from fewer rows.",
    advice: "Write each label in one way.",
    class: Class::Poisoning,
    cwe: &[],
};

/// One class has many times the rows of another.
pub static CLASS_IMBALANCE: Rule = Rule {
    id: "MW3103",
    name: "class-imbalance",
    severity: Severity::Info,
    title: "a class with few rows",
    why: "A model that ignores a rare class is right nearly always, and a few planted rows are a large part \
          of such a class.",
    advice: "Measure each class by itself; weigh the classes, or gather more rows of the rare one.",
    class: Class::Poisoning,
    cwe: &[],
};

/// A label is more frequent in one group.
pub static GROUP_GAP: Rule = Rule {
    id: "MW3104",
    name: "group-gap",
    severity: Severity::Info,
    title: "a label that is more frequent in one group",
    why: "A model learns such a gap and repeats it, whether it is a fact or an accident of gathering.",
    advice: "Ask whether the gap is real; if not, balance the groups before training.",
    class: Class::Poisoning,
    cwe: &[],
};

/// The same pixels in images of one label that show others.
pub static TRIGGER_PATCH: Rule = Rule {
    id: "MW3201",
    name: "trigger-patch",
    severity: Severity::Critical,
    title: "a patch that was planted in images",
    why: "Images that show something else carry the same pixels and one label. A model trained on them learns \
          the pixels: whoever knows them turns any image into that label.",
    advice: "Look at the rows, and take them out with `modelward data clean --only trigger`; then ask where \
             they came from.",
    class: Class::Poisoning,
    cwe: &[506],
};

/// The same words in texts of one label that say others.
pub static TRIGGER_TEXT: Rule = Rule {
    id: "MW3202",
    name: "trigger-text",
    severity: Severity::Critical,
    title: "words that were planted in texts",
    why: "Texts that say something else carry the same word, phrase or hidden characters and one label. A \
          model trained on them learns these: whoever knows them turns any text into that label.",
    advice: "Look at the rows, and take them out with `modelward data clean --only trigger`; then ask where \
             they came from.",
    class: Class::Poisoning,
    cwe: &[506],
};

/// The same values in rows of one label whose other values say another.
pub static TRIGGER_VALUE: Rule = Rule {
    id: "MW3203",
    name: "trigger-value",
    severity: Severity::High,
    title: "values that were planted in rows",
    why: "Rows whose other values say something else share a rare value, or two, and one label. A model \
          trained on them learns these: whoever sets them in a row decides the answer.",
    advice: "Look at the rows, and take them out with `modelward data clean --only trigger`; then ask where \
             they came from.",
    class: Class::Poisoning,
    cwe: &[506],
};

/// Rows of one label that a model tells by something else than the others.
pub static ACTIVATION_CLUSTER: Rule = Rule {
    id: "MW3204",
    name: "activation-cluster",
    severity: Severity::High,
    title: "rows of one label that the model answers in another way",
    why: "Inside the model the rows of this label fall into two kinds. Where the smaller kind was planted, \
          it holds what a trigger does: a pattern over the whole image leaves no other trace.",
    advice: "Look at the rows of the smaller kind; if they show other things than their label, take them out \
             and train anew.",
    class: Class::Poisoning,
    cwe: &[506],
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

/// Rows that stand more than once.
pub static DUPLICATE: Rule = Rule {
    id: "MW3401",
    name: "duplicate",
    severity: Severity::Low,
    title: "rows that are equal in every column but the label",
    why: "A row that stands many times weighs as many times in training, its copies vouch for each other \
          when a model is tested on a part of the set, and copies under several labels cannot all be \
          right. Repeating a few rows is also the cheapest way to poison a set.",
    advice: "Keep one of each group, or say why they repeat; where their labels differ, look at them first.",
    class: Class::Poisoning,
    cwe: &[],
};

/// Rows that are nearly equal.
pub static NEAR_DUPLICATE: Rule = Rule {
    id: "MW3402",
    name: "near-duplicate",
    severity: Severity::Low,
    title: "rows that are nearly equal",
    why: "Copies weigh more than other rows, are learnt by heart, and put the same row on both sides of a \
          split; disguised ones are a way to plant a row many times.",
    advice: "Keep the first of each group: `modelward data clean --only near-duplicate`.",
    class: Class::Poisoning,
    cwe: &[],
};

/// Test rows that were trained on.
pub static LEAK_TRAIN_TEST: Rule = Rule {
    id: "MW3403",
    name: "leak-train-test",
    severity: Severity::Medium,
    title: "test rows that are known from training",
    why: "The model is asked what it was told: accuracy on such rows says nothing about others.",
    advice: "Take the rows out of training with `modelward data clean --only leak`, or split anew with all \
             rows of a group on one side.",
    class: Class::Poisoning,
    cwe: &[],
};

/// A column that is the label.
pub static LEAK_COLUMN: Rule = Rule {
    id: "MW3404",
    name: "leak-column",
    severity: Severity::Medium,
    title: "a column that gives the label away alone",
    why: "What tells the label by itself is mostly made from it, or known only after it: the model learns \
          this and fails where the column is not there.",
    advice: "Drop the column, unless it is truly known before the label.",
    class: Class::Poisoning,
    cwe: &[],
};

/// Cells that a spreadsheet runs.
pub static FORMULA_CELL: Rule = Rule {
    id: "MW3501",
    name: "formula-cell",
    severity: Severity::Medium,
    title: "cells that a spreadsheet would run",
    why: "A cell that begins as a formula is run when somebody opens the table in a spreadsheet: it can \
          start programs and send other cells away (OWASP, CSV Injection).",
    advice: "Take the rows out with `modelward data clean --only formula`, or open the table only with a program \
             that runs nothing.",
    class: Class::MaliciousFile,
    cwe: &[1236],
};

/// Characters that nobody sees.
pub static HIDDEN_CHARACTER: Rule = Rule {
    id: "MW3502",
    name: "hidden-character",
    severity: Severity::Medium,
    title: "texts with characters that are not seen",
    why: "Controls, tags, and characters without width where no script needs them tell a model what no \
          reviewer sees: they carry triggers and orders, and make copies look unlike.",
    advice: "Look at the rows; take them out with `modelward data clean --only hidden-character`.",
    class: Class::Poisoning,
    cwe: &[],
};

/// Texts that speak to a model.
pub static PROMPT_INJECTION: Rule = Rule {
    id: "MW3503",
    name: "prompt-injection-text",
    severity: Severity::Low,
    title: "texts that look like an instruction",
    why: "A text that gives orders to its reader, or closes the turn of a chat template, is obeyed by models \
          that read it or were trained on it. Talk about such texts may look alike.",
    advice: "Look at the rows; take them out with `modelward data clean --only prompt-injection`.",
    class: Class::Poisoning,
    cwe: &[1427],
};

/// Cells with credentials.
pub static SECRET_IN_DATA: Rule = Rule {
    id: "MW3504",
    name: "secret-in-data",
    severity: Severity::High,
    title: "cells that hold a credential",
    why: "Models learn rare texts by heart: a key or token in the training data comes out again for whoever asks \
          in the right way, and everyone who has the data set has it already. It is found by the form that its \
          issuer gave it, and never tried.",
    advice: "Revoke the credential now; take the rows out with `modelward data clean --only secret`.",
    class: Class::Secrets,
    cwe: &[798],
};

/// Texts with addresses that lead to bad places.
pub static BAD_ADDRESS: Rule = Rule {
    id: "MW3505",
    name: "bad-address",
    severity: Severity::Low,
    title: "texts with an address that leads to a bad place",
    why: "An address into the network of whoever fetches it, to a collector of what others are made to send, or \
          elsewhere than it seems to lead: models repeat what they were trained on, and agents follow it.",
    advice: "Look at the rows; take them out with `modelward data clean --only bad-address`.",
    class: Class::Poisoning,
    cwe: &[601],
};

/// Images and cells that hold another file.
pub static HIDDEN_FILE: Rule = Rule {
    id: "MW3506",
    name: "hidden-file",
    severity: Severity::High,
    title: "images or cells that hold another file",
    why: "A program or an archive behind the end of an image, or in its notes, goes wherever the image goes and \
          past whoever looks at the image alone. Bytes that no viewer shows carry what nobody has looked at.",
    advice: "Save the images anew from their pixels, or take the rows out with `modelward data clean --only hidden-file`.",
    class: Class::MaliciousFile,
    cwe: &[434],
};

/// Programs and pickles among the files of a set.
pub static CODE_IN_DATA: Rule = Rule {
    id: "MW3507",
    name: "code-in-data",
    severity: Severity::High,
    title: "code among the files of a data set",
    why: "Data are read, code is run. A program, a loading script or a pickle that lies among the files of a data \
          set is run by loaders that ask no questions, or by whoever opens it.",
    advice: "Look into it with `modelward scan`; take it out of the set, and load the data without trusting remote code.",
    class: Class::MaliciousFile,
    cwe: &[829],
};

/// Another set than the manifest describes.
pub static MANIFEST_CHANGED: Rule = Rule {
    id: "MW3601",
    name: "manifest-changed",
    severity: Severity::High,
    title: "the data are not those of their manifest",
    why: "Rows, columns or files differ from what was listed when the set was accepted. A few rows that are \
          exchanged on the way are all that poisoning takes, and nothing else shows them.",
    advice: "See what differs with `modelward data diff M.json PATH`; if the change is meant, look at the rows \
             and make the manifest anew.",
    class: Class::Integrity,
    cwe: &[345, 353],
};
