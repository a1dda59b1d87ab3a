#![no_main]
//! What a server reads: whatever decodes is written and read again unchanged.

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use nucleon_wire::{AgentMessage, FRAME_LIMIT, FrameCodec, encode_frame};
use tokio_util::codec::Decoder;

fn read(buffer: &mut BytesMut) -> Option<AgentMessage> {
    let mut codec = FrameCodec::new();
    codec.set_limit(FRAME_LIMIT);
    codec.decode_eof(buffer).ok().flatten()
}

fuzz_target!(|data: &[u8]| {
    let mut buffer = BytesMut::from(data);
    while let Some(message) = read(&mut buffer) {
        let frame = encode_frame(&message).expect("what was read can be written");
        assert_eq!(read(&mut BytesMut::from(&*frame)), Some(message));
    }
});
