//! Any bytes: the footer of Parquet neither panics nor hangs, and every range lies in the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_formats::{Budget, Bytes, parquet};

fuzz_target!(|data: &[u8]| {
    // Random bytes seldom begin and end as they must.
    let length = u32::try_from(data.len()).unwrap_or(0).to_le_bytes();
    let whole = [b"PAR1", data, &length, b"PAR1"].concat();
    for bytes in [data, &whole] {
        let Some(Ok(footer)) = parquet::read(&Bytes::from(bytes), &Budget::default()) else {
            continue;
        };
        for chunk in footer.row_groups.iter().flat_map(|group| group.chunks.iter().flatten()) {
            assert!(chunk.start <= chunk.end && chunk.end <= bytes.len() as u64);
        }
    }
});
