#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| meshroot_fuzz::root_files(data));
