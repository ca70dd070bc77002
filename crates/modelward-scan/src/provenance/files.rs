//! Rules of the files that a signature covers, or does not.

use modelward_core::{Class, Rule, Severity};

/// A file that is not what was signed.
pub(super) static CHANGED: Rule = Rule {
    id: "MW2101",
    name: "file-changed",
    severity: Severity::High,
    title: "a file is not what was signed",
    why: "The digest of the file is another than the one that was signed, so somebody has written to it \
          since. How much that matters hangs on what the file does: a changed configuration or weight \
          file decides what is loaded, a changed text does not.",
    advice: "Get the file anew from the publisher; do not load the model before it verifies.",
    class: Class::Integrity,
    cwe: &[354],
};

/// A signed file that is not there.
pub(super) static MISSING: Rule = Rule {
    id: "MW2102",
    name: "file-missing",
    severity: Severity::High,
    title: "a signed file is missing",
    why: "The signer vouched for a set of files. Without one of them a loader may fall back to another \
          format, another configuration or its own defaults, and load something that nobody signed.",
    advice: "Fetch the missing file. If you need a part of the model only, `--partial` verifies what is \
             there and says what is not.",
    class: Class::Integrity,
    cwe: &[354],
};

/// A file that nobody signed.
pub(super) static UNSIGNED: Rule = Rule {
    id: "MW2103",
    name: "file-unsigned",
    severity: Severity::High,
    title: "a file is there that nobody signed",
    why: "Loaders pick up files by their names: a second weight file, a module beside a configuration, a \
          package marker. One file that was added to a signed folder can change what is loaded while \
          every signed file stays as it was.",
    advice: "Remove the file; if it is yours, name it with `--ignore`, or let every such file be with \
             `--ignore-unsigned-files`.",
    class: Class::Integrity,
    cwe: &[353, 494],
};

/// A file that matters and that the signature leaves out.
pub(super) static UNSIGNED_BY_EXCLUSION: Rule = Rule {
    id: "MW2104",
    name: "unsigned-by-exclusion",
    severity: Severity::High,
    title: "the signature does not cover this",
    why: "A signature holds for what it lists. A signer may leave paths out, every signature leaves git's \
          own files out, shards cannot hold an empty file, and modes are never signed. Where such a \
          place has weights, code, hooks or filters in it, anybody may change them and the signature \
          still verifies.",
    advice: "Ask the signer to cover the file, or remove it; if you know what it is, name it with \
             `--ignore`.",
    class: Class::Integrity,
    cwe: &[353],
};

/// A link out of the model.
pub(super) static LINK_OUTSIDE: Rule = Rule {
    id: "MW2105",
    name: "link-outside-root",
    severity: Severity::High,
    title: "a link leads out of the model",
    why: "What a link leads to can be changed without touching the model, and a link out of it may lead \
          to a file of yours that a loader, an upload or a signature would then give away.",
    advice: "Replace the link by the file that it leads to, or remove it.",
    class: Class::Integrity,
    cwe: &[59],
};

/// A pipe, a socket or a device.
pub(super) static SPECIAL: Rule = Rule {
    id: "MW2106",
    name: "special-file-in-model",
    severity: Severity::High,
    title: "a pipe, a socket or a device lies in the model",
    why: "A model is made of regular files. Reading a pipe or a device may block for ever, give other \
          bytes each time, or act on the machine, so no signature covers one and no tool should open it.",
    advice: "Remove it; no model needs one.",
    class: Class::Integrity,
    cwe: &[67],
};
