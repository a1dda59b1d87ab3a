#![no_main]
//! What an agent reads: whatever decodes is written and read again unchanged, and chunks in any order make an answer or an error.

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use nucleon_wire::{Assembly, FRAME_LIMIT, FrameCodec, ServerMessage, encode_frame};
use tokio_util::codec::Decoder;

fn read(buffer: &mut BytesMut) -> Option<ServerMessage> {
    let mut codec = FrameCodec::new();
    codec.set_limit(FRAME_LIMIT);
    codec.decode_eof(buffer).ok().flatten()
}

fuzz_target!(|data: &[u8]| {
    let mut buffer = BytesMut::from(data);
    let mut assembly = Assembly::new();
    while let Some(message) = read(&mut buffer) {
        let frame = encode_frame(&message).expect("what was read can be written");
        assert_eq!(read(&mut BytesMut::from(&*frame)).as_ref(), Some(&message));
        if let ServerMessage::Answer(chunk) = message {
            let last = chunk.last;
            match assembly.push(chunk) {
                Ok(whole) => assert_eq!(whole.is_some(), last),
                Err(_) => assembly = Assembly::new(),
            }
            if last {
                assembly = Assembly::new();
            }
        }
    }
});
