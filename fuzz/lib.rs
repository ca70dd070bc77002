//! What the fuzz targets share: one reading under one format, and everything in it read once.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use modelward_formats::{Budget, Bytes, Limits, read};

/// Limits under which a fuzz input ends in well under a second.
pub fn limits() -> Limits {
    Limits {
        expanded: 64 << 20,
        members: 10_000,
        opcodes: 1_000_000,
        time: Duration::from_secs(5),
        ..Limits::default()
    }
}

/// Read bytes under every format, and each part from both ends.
pub fn parts(bytes: &[u8]) {
    let budget: Arc<Budget> = Budget::new(limits());
    for reading in read(&Bytes::from(bytes), &budget) {
        let Ok(asset) = reading.asset else { continue };
        asset.parts(&mut |part| {
            if let Ok(bytes) = part.bytes {
                let _ = (bytes.head(1 << 16), bytes.tail(bytes.len().saturating_sub(9)).head(9));
            }
            ControlFlow::Continue(())
        });
    }
}
