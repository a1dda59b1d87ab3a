//! Any frame is a message or an error, and a message that can be written is read the same.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use nucleon_openflow::message::{HEADER, Message, VERSION, frame_length};
use nucleon_openflow::{Flow, FlowMod};

fuzz_target!(|data: &[u8]| {
    let _ = frame_length(data);
    let _ = Message::decode(data);
    // The same with a header that fits, so that the bodies are reached.
    let Some((kind, body)) = data.split_first() else { return };
    let Ok(length) = u16::try_from(body.len() + HEADER) else { return };
    let mut frame = vec![VERSION, *kind];
    frame.extend(length.to_be_bytes());
    frame.extend([0, 0, 0, 1]);
    frame.extend(body);
    let Ok((xid, message)) = Message::decode(&frame) else { return };
    let mut written = BytesMut::new();
    if message.encode(xid, &mut written).is_ok() {
        assert_eq!(Message::decode(&written), Ok((xid, message.clone())));
    }
    if let Message::FlowMod(FlowMod::Add(flow)) = message {
        let text = flow.to_string();
        match text.parse::<Flow>() {
            Ok(read) => assert_eq!(read.canonical(), flow.canonical(), "{text}"),
            Err(error) => panic!("{text}: {error}"),
        }
    }
});
