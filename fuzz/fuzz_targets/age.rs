#![no_main]

use std::{io, sync::Arc};

use modelward_formats::Bytes;
use modelward_provenance::seal::{Opened, Secret, Unseal, folder::{Contents, list}};

/// The published identity of the test vectors (C2SP/CCTV), so that changed vectors get far.
const IDENTITY: &str = "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let secret = Secret::Identities(vec![IDENTITY.parse().unwrap()]);
    if let Ok(mut content) = Unseal::new(bytes, &secret) {
        let _ = io::copy(&mut content, &mut io::sink());
    }
    if let Ok(opened) = Opened::new(Bytes::from(bytes), &secret) {
        let _ = Contents::new(Arc::new(opened)).map(|contents| contents.members().count());
    }
    // The archive inside, as if it had been sealed.
    let _ = list(bytes, &mut |_, _| {});
});
