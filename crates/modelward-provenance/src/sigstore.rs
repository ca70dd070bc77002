//! Keyless signatures: Sigstore bundles, verified offline against a given trusted root.
