//! Any text is a flow or an error, and a flow is read from its own text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nucleon_openflow::Flow;

fuzz_target!(|text: &str| {
    if let Ok(flow) = text.parse::<Flow>() {
        let shown = flow.to_string();
        match shown.parse::<Flow>() {
            Ok(read) => assert_eq!(read.canonical(), flow.canonical(), "{shown}"),
            Err(error) => panic!("{shown}: {error}"),
        }
    }
});
