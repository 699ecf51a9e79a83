//! Fuzz target `certificates`; its promises stand in `tests/src/fuzzing`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| phuxanh_tests::fuzzing::run("certificates", bytes));
