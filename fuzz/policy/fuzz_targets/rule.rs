#![no_main]
//! A rule's text: whatever parses is printed and parsed again as the same, unless printing made its nesting visible and
//! too deep.

use libfuzzer_sys::fuzz_target;
use nucleon_policy::language::{Fault, parse};

fuzz_target!(|text: &str| {
    let Ok(expr) = parse(text) else { return };
    match parse(&expr.to_string()) {
        Ok(again) => assert_eq!(again, expr),
        Err(error) => assert_eq!(error.what, Fault::TooDeep, "{expr}"),
    }
});
