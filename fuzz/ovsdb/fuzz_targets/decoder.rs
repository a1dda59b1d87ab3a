//! Whatever a peer sends: frames, messages, and a session that got as far as its first snapshot.
//!
//! `cargo +nightly fuzz run --fuzz-dir . decoder`, in the directory of the manifest.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use nucleon_ovsdb::{FrameDecoder, FrameLimits, Message, MonitorSpec, Session};

const HANDSHAKE: &[u8] = br#"{"id":0,"error":null,"result":{"name":"D","tables":{"T":{"columns":{
    "name":{"type":"string"},"tag":{"type":{"key":"integer","min":0}},
    "ids":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
    "ports":{"type":{"key":"uuid","min":0,"max":"unlimited"}}}}}}}
{"id":1,"error":null,"result":{"T":{"36bef046-7da7-43a5-905a-c17899216fcb":{"initial":
    {"name":"n","tag":5,"ids":["map",[["a","1"]]]}}}}}"#;

fn feed(bytes: &[u8]) {
    let spec = MonitorSpec::new("D").table("T", ["name", "tag", "ids", "ports"]);
    let (mut session, _) = Session::start(spec);
    let mut decoder = FrameDecoder::new(FrameLimits { bytes: 1 << 20, depth: 32 });
    let mut buffer = BytesMut::from(bytes);
    while let Ok(Some(frame)) = decoder.decode(&mut buffer) {
        let Ok(message) = Message::parse(&frame) else { return };
        if session.receive(message).is_err() {
            return;
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    feed(bytes);
    feed(&[HANDSHAKE, bytes].concat());
});
