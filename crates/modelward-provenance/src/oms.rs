//! OpenSSF Model Signing v1.0.
