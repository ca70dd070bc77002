//! What is spoken with an endpoint.

/// What is said and heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Open Inference Protocol 2.
    OpenInference,
    /// TensorFlow Serving's rows: `instances` and `predictions`.
    Instances,
    /// `x`, and `y` or `scores`.
    Simple,
}

impl Form {
    /// By the path of a URL.
    pub(super) fn of(path: &str) -> Self {
        if path.contains("/v2/models/") {
            Self::OpenInference
        } else if path.ends_with(":predict") {
            Self::Instances
        } else {
            Self::Simple
        }
    }
}
