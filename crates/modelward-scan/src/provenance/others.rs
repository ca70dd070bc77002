//! Rules of locks, caches, signed reports and seals.

use modelward_core::{Class, Rule, Severity};

/// A file that is not what the lock says.
pub(super) static LOCK_MISMATCH: Rule = Rule {
    id: "MW2201",
    name: "lock-mismatch",
    severity: Severity::High,
    title: "the model is not the one that was locked",
    why: "`modelward.lock` holds the digests of the model that was reviewed. A file differs from them, so \
          what is loaded now is not what was looked at then.",
    advice: "Look at what changed; when it is wanted, take it over with `modelward lock --update`.",
    class: Class::Integrity,
    cwe: &[354],
};

/// A file that the lock does not know, or that only the lock knows.
pub(super) static LOCK_ENTRY_MISSING: Rule = Rule {
    id: "MW2202",
    name: "lock-entry-missing",
    severity: Severity::Medium,
    title: "the lock and the model do not list the same files",
    why: "A file is in the model and not in the lock, or the other way round. What was added was never \
          looked at; without what is missing, something else may be loaded in its place.",
    advice: "Look at the file; when it is wanted, take it over with `modelward lock --update`.",
    class: Class::Integrity,
    cwe: &[353],
};

/// A pointer in the place of weights.
pub(super) static POINTER: Rule = Rule {
    id: "MW2301",
    name: "pointer-not-content",
    severity: Severity::Medium,
    title: "a pointer lies where weights are named",
    why: "Git LFS keeps large files elsewhere and leaves a short text with their digest. The text was \
          fetched and the weights were not, so nothing that is said of this file is said of the weights.",
    advice: "Fetch the weights with `git lfs pull`, and verify again.",
    class: Class::Integrity,
    cwe: &[354],
};

/// A blob that is not what its name says.
pub(super) static BLOB_MISMATCH: Rule = Rule {
    id: "MW2302",
    name: "blob-name-mismatch",
    severity: Severity::High,
    title: "a cached file is not what its name says",
    why: "The cache of Hugging Face names each blob by the digest of its content. This one has other \
          content: it was damaged on the way, or changed after it was fetched.",
    advice: "Remove the blob from the cache and fetch it again.",
    class: Class::Integrity,
    cwe: &[354],
};

/// A signed report about another model.
pub(super) static REPORT_FOR_OTHER: Rule = Rule {
    id: "MW2401",
    name: "report-not-for-this-model",
    severity: Severity::High,
    title: "the signed report is about another model",
    why: "A scan report is signed over the digest of the model that was scanned. This model has another \
          digest: the report says nothing of it, however good it is.",
    advice: "Scan this model, or get the model that the report is about.",
    class: Class::Integrity,
    cwe: &[345],
};

/// A signed report that speaks against its model.
pub(super) static REPORT_NOT_CLEAN: Rule = Rule {
    id: "MW2402",
    name: "report-not-clean",
    severity: Severity::High,
    title: "the signed report says that its model was not clean",
    why: "Whoever scanned this model and signed the report found something that their policy denies, or \
          could not read all of it. That the report is signed makes what it says more certain, and no \
          better.",
    advice: "Read the findings with `modelward scan`, or get a version of the model whose scan is clean.",
    class: Class::Integrity,
    cwe: &[693],
};

/// No signed report, where one has to be.
pub(super) static REPORT_MISSING: Rule = Rule {
    id: "MW2403",
    name: "report-missing",
    severity: Severity::High,
    title: "a signed scan report is required, and there is none",
    why: "The user takes a model only together with a scan report signed by whom they trust. Without one \
          nobody vouches that the model was ever looked at.",
    advice: "Name the report with `--report`, or ask the publisher for one; `modelward sign --scan \
             --report-to` makes it.",
    class: Class::Integrity,
    cwe: &[353],
};

/// A sealed file that was changed or cut short.
pub(super) static SEAL_BROKEN: Rule = Rule {
    id: "MW2501",
    name: "seal-broken",
    severity: Severity::High,
    title: "the sealed file was changed or cut short",
    why: "Every piece of a sealed file is authenticated before a byte of it is used. A piece does not \
          fit, or the end is missing, so the file is not what was sealed.",
    advice: "Get the sealed file anew; nothing of it was written out.",
    class: Class::Integrity,
    cwe: &[354],
};
