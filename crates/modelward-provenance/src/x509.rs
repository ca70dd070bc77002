//! Certificates: a path from the signer to a root that the user trusts (RFC 5280).
