//! Whatever a peer sends, the answer is a value or an error. The same path as `fuzz/ovsdb`.

use bytes::BytesMut;
use nucleon_ovsdb::{FrameDecoder, FrameLimits, Message, MonitorSpec, Session};
use proptest::prelude::*;

const HANDSHAKE: &str = concat!(
    r#"{"id":0,"error":null,"result":{"name":"D","tables":{"T":{"columns":{"#,
    r#""name":{"type":"string"},"tag":{"type":{"key":"integer","min":0}},"#,
    r#""ids":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},"#,
    r#""ports":{"type":{"key":"uuid","min":0,"max":"unlimited"}}}}}}}"#,
    r#"{"id":1,"error":null,"result":{"T":{"36bef046-7da7-43a5-905a-c17899216fcb":{"initial":"#,
    r#"{"name":"n","tag":5,"ids":["map",[["a","1"]]]}}}}}"#,
    r#"{"id":null,"method":"update2","params":[null,{"T":{"36bef046-7da7-43a5-905a-c17899216fcb":"#,
    r#"{"modify":{"tag":["set",[]],"ids":["map",[["a","1"],["b","\u00e9"]]]}}}}]}"#,
    r#"{"id":"echo","method":"echo","params":[[1.5,true,null]]}"#,
);

/// How many messages were taken before the stream ended or failed.
fn feed(pieces: &[&[u8]], limits: FrameLimits) -> usize {
    let spec = MonitorSpec::new("D").table("T", ["name", "tag", "ids", "ports"]);
    let (mut session, _) = Session::start(spec);
    let (mut decoder, mut buffer, mut taken) = (FrameDecoder::new(limits), BytesMut::new(), 0);
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            let Ok(frame) = decoder.decode(&mut buffer) else { return taken };
            let Some(frame) = frame else { break };
            let Ok(message) = Message::parse(&frame) else { return taken };
            if session.receive(message).is_err() {
                return taken;
            }
            taken += 1;
        }
    }
    taken
}

#[test]
fn the_stream_that_is_mangled_below_is_sound() {
    assert_eq!(feed(&[HANDSHAKE.as_bytes()], FrameLimits::default()), 4);
}

/// Brackets deep enough to end the stack of a parser that recurses without a limit.
#[test]
fn a_hundred_thousand_brackets_are_refused_before_they_are_parsed() {
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    assert_eq!(feed(&[deep.as_bytes()], FrameLimits::default()), 0);
    let no_limit = FrameLimits { bytes: 1 << 20, depth: usize::MAX };
    let closed = format!("{deep}{}}}", "]".repeat(100_000));
    assert_eq!(feed(&[closed.as_bytes()], no_limit), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        feed(&[&bytes], FrameLimits { bytes: 500, depth: 8 });
    }

    #[test]
    fn arbitrary_bytes_in_a_session_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let taken = feed(&[HANDSHAKE.as_bytes(), b"{", &bytes], FrameLimits::default());
        prop_assert!(taken >= 4);
    }

    #[test]
    fn a_mangled_session_never_panics(
        edits in prop::collection::vec((0..HANDSHAKE.len(), any::<u8>()), 1..4),
        cut in 0..HANDSHAKE.len(),
    ) {
        let mut bytes = HANDSHAKE.as_bytes().to_vec();
        for (at, byte) in edits {
            bytes[at] = byte;
        }
        let (head, tail) = bytes.split_at(cut);
        let torn = feed(&[head, tail], FrameLimits::default());
        prop_assert_eq!(torn, feed(&[&bytes], FrameLimits::default()));
    }

    /// The words of the protocol in any order: far more of these get past the parser.
    #[test]
    fn shuffled_words_never_panic(words in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "null", "1", "-1", "1e999", "\"\"", "\"id\"", "\"method\"",
        "\"params\"", "\"result\"", "\"error\"", "\"update2\"", "\"T\"", "\"modify\"", "\"insert\"",
        "\"36bef046-7da7-43a5-905a-c17899216fcb\"", "\"ports\"", "\"set\"", "\"uuid\"", "\"map\"",
        "\\", "\"", " ",
    ]), 0..60)) {
        feed(&[HANDSHAKE.as_bytes(), words.concat().as_bytes()], FrameLimits::default());
    }
}
