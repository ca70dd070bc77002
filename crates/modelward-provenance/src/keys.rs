//! Keys that sign: ECDSA on P-256, P-384 and P-521.
