//! Any bytes: the tables of tensors neither panic nor hang, and every tensor can be read or is refused.

#![no_main]

use std::{sync::Arc, time::Duration};

use libfuzzer_sys::fuzz_target;
use modelward_formats::{Budget, Bytes, Limits, tables, tensors};

fuzz_target!(|data: &[u8]| {
    let limits = Limits { memory: 16 << 20, time: Duration::from_secs(5), ..Limits::default() };
    let budget: Arc<Budget> = Budget::new(limits);
    let Some(table) = tables::read(&Bytes::from(data), &budget) else { return };
    for tensor in table.tensors.iter().take(64) {
        if let Ok(tensors::Place::Here(elements)) = &tensor.elements {
            let mut read = 0_u64;
            let Ok(mut reader) = elements.reader() else { continue };
            while let Ok(Some(window)) = reader.next_window() {
                read += window.len() as u64;
                if read > 1 << 20 {
                    break;
                }
            }
            assert!(read <= elements.len());
        }
    }
});
