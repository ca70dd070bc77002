//! The MW0 family: what was not read, and the limits that reading runs into.
//!
//! These rules have no check of their own: they speak where a reader refuses.

use modelward_core::{Class, Rule, Severity};
use modelward_formats::Gap;

/// The rule of each kind of gap.
pub(crate) fn rule(gap: Gap) -> &'static Rule {
    let [unknown, ..] = &RULES;
    let at = Gap::ALL.iter().position(|&each| each == gap);
    at.and_then(|at| RULES.get(at)).unwrap_or(unknown)
}

/// Whether a gap is a limit that was hit: then it is a finding too, not only a gap.
pub(crate) fn is_limit(gap: Gap) -> bool {
    rule(gap).severity >= Severity::Medium
}

/// One record for each [`Gap`], in the order of [`Gap::ALL`].
pub(crate) static RULES: [Rule; 17] = [
    gap(
        "MW0001",
        "unknown-format",
        "the content is of no format that is known",
        "What is not recognised cannot be proven harmless: a loader somewhere may give it a \
         meaning.",
        "Find out which library reads this file; if nothing loads it, remove it.",
    ),
    gap(
        "MW0002",
        "truncated-file",
        "the content ends early or breaks the grammar of its format",
        "A file that cannot be read to its end may hold anything in the part that was not read. \
         Loaders differ in how much of a broken file they act upon.",
        "Download the file again and compare its digest with the publisher's.",
    ),
    gap(
        "MW0003",
        "encrypted-content",
        "the content is encrypted",
        "What is encrypted cannot be judged. Attackers encrypt archives so that scanners pass by.",
        "Decrypt it in a safe place and scan the result.",
    ),
    gap(
        "MW0004",
        "unsupported-version",
        "a format or version that is recognised and not judged yet",
        "The content was recognised, and this version of modelward has no checks that could \
         prove it harmless.",
        "Ask for safetensors, or have the file judged by other means.",
    ),
    gap(
        "MW0005",
        "missing-part",
        "a part that this file needs lies elsewhere",
        "Data in another file is loaded with this one, and was not there to be read.",
        "Scan the whole model folder.",
    ),
    gap(
        "MW0006",
        "special-file",
        "not a regular file inside the target",
        "Pipes, devices and sockets are never opened, and links that lead out of the target are \
         not followed: reading them may block, have effects, or speak of another model.",
        "Remove it, or point modelward at what the link names.",
    ),
    gap(
        "MW0007",
        "unreadable-file",
        "the operating system did not give the content",
        "What cannot be opened cannot be judged.",
        "Check the permissions and the disk.",
    ),
    gap(
        "MW0008",
        "malformed-model",
        "the model file breaks the grammar of its format, or says a thing twice",
        "A field that is cut, of a kind that the format does not have, or there twice is read in one way by \
         one runtime and in another by the next, or not at all. What such a file holds is not proven.",
        "Export the model again, or compare the digest of the file with the publisher's.",
    ),
    gap(
        "MW0010",
        "invalid-graph",
        "a graph that no runtime can run as it stands",
        "A value that is read and that nothing gives, a node that needs its own result, a function that \
         calls itself: runtimes refuse such a graph, or hang. It was made by hand or damaged.",
        "Export the model again, or compare the digest of the file with the publisher's.",
    ),
    limit(
        "MW0101",
        "deep-nesting",
        "containers nested deeper than the limit",
        "Archives within archives hide a payload below the depth at which scanners stop.",
        "Unpack it step by step, or raise the limit with `--max-depth`.",
    ),
    limit(
        "MW0102",
        "high-expansion-ratio",
        "compressed content grows by more than the limit",
        "A few bytes that grow to gigabytes exhaust the memory or the disk of whoever unpacks \
         them.",
        "Do not unpack it.",
    ),
    limit(
        "MW0103",
        "large-expansion",
        "more expanded bytes than the limit",
        "Content that grows without end exhausts the memory or the disk of whoever unpacks it.",
        "Raise the limit with `--max-expanded` if the size is expected.",
    ),
    limit(
        "MW0104",
        "many-members",
        "more archive members than the limit",
        "An archive of millions of members exhausts whoever unpacks it.",
        "Unpack it in a safe place and scan the result.",
    ),
    limit(
        "MW0105",
        "long-program",
        "more opcodes than the limit",
        "A program that runs on and on exhausts whoever loads it, and hides its end.",
        "Ask for safetensors.",
    ),
    limit(
        "MW0106",
        "large-memory",
        "reading takes more memory than the limit",
        "A file that makes its reader allocate more than it holds is made to exhaust it.",
        "Ask for safetensors, or raise the limit with `--max-memory`.",
    ),
    limit(
        "MW0107",
        "long-reading",
        "reading takes longer than the limit",
        "A file that keeps its reader busy is not judged to its end.",
        "Raise the limit with `--max-time`.",
    ),
    limit(
        "MW0108",
        "oversized-length",
        "a declared length reaches beyond the file",
        "A length that the file does not have makes careless loaders allocate or read beyond \
         their buffers.",
        "Do not load it; download the file again and compare its digest with the publisher's.",
    ),
];

const fn gap(
    id: &'static str,
    name: &'static str,
    title: &'static str,
    why: &'static str,
    advice: &'static str,
) -> Rule {
    let (severity, class) = (Severity::Info, Class::MaliciousFile);
    Rule { id, name, severity, title, why, advice, class, cwe: &[] }
}

const fn limit(
    id: &'static str,
    name: &'static str,
    title: &'static str,
    why: &'static str,
    advice: &'static str,
) -> Rule {
    let (severity, class) = (Severity::Medium, Class::Denial);
    Rule { id, name, severity, title, why, advice, class, cwe: &[400, 409] }
}
