//! Replays every recorded fuzz input through its target, so that what a fuzzer once found stays found.

use std::path::Path;

use lab_tests::fuzz::TARGETS;

#[test]
fn every_recorded_fuzz_input_still_passes() {
    for (name, target) in TARGETS {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let mut files: Vec<_> = std::fs::read_dir(&dir)
            .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
            .map(|entry| entry.expect("lists").path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{} has no recorded input", dir.display());
        for file in files {
            let bytes = std::fs::read(&file).expect("reads");
            target(&bytes);
        }
    }
}
