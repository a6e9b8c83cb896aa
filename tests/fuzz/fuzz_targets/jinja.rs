#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lab_tests::fuzz::jinja(data));
