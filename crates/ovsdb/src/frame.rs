//! Cuts the byte stream into JSON objects.
//!
//! JSON-RPC over a stream has no delimiter (RFC 7047 section 4): a message ends with the brace that
//! closes it. The cutter only counts brackets outside strings, looks at every byte once, and stops
//! at the first message that is too long or too deep, before anything of it is parsed.

use bytes::{Buf, BytesMut};

/// How much a peer may send as one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    pub bytes: usize,
    pub depth: usize,
}

/// A stream that carries no messages, or too large ones. Nothing after it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    #[error("a message begins with byte 0x{found:02x} instead of a brace")]
    NoObject { found: u8 },
    #[error("a message is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("a message is nested more than {limit} deep")]
    TooDeep { limit: usize },
}

/// The state between two pieces of the stream.
#[derive(Debug, Clone)]
pub struct FrameDecoder {
    limits: FrameLimits,
    /// How much of the buffer was looked at.
    scanned: usize,
    depth: usize,
    text: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Outside,
    Inside,
    Escaped,
}

impl Default for FrameLimits {
    /// A snapshot of 10,000 ports is about 10 MB.
    fn default() -> Self {
        Self { bytes: 64 << 20, depth: 32 }
    }
}

impl FrameDecoder {
    pub const fn new(limits: FrameLimits) -> Self {
        Self { limits, scanned: 0, depth: 0, text: Text::Outside }
    }

    /// Takes the next whole message out of `buffer`, or `None` when more bytes are needed.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<BytesMut>, FrameError> {
        if self.depth == 0 {
            let blank = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            buffer.advance(blank);
            match buffer.first() {
                None => return Ok(None),
                Some(b'{') => {}
                Some(&found) => return Err(FrameError::NoObject { found }),
            }
        }
        while let Some(&byte) = buffer.get(self.scanned) {
            self.scanned += 1;
            if self.scanned > self.limits.bytes {
                return Err(FrameError::TooLong { limit: self.limits.bytes });
            }
            self.step(byte)?;
            if self.depth == 0 {
                return Ok(Some(buffer.split_to(std::mem::take(&mut self.scanned))));
            }
        }
        Ok(None)
    }

    fn step(&mut self, byte: u8) -> Result<(), FrameError> {
        self.text = match (self.text, byte) {
            (Text::Inside, b'\\') => Text::Escaped,
            (Text::Inside, b'"') => Text::Outside,
            (Text::Inside | Text::Escaped, _) | (Text::Outside, b'"') => Text::Inside,
            (Text::Outside, b'{' | b'[') => {
                self.depth += 1;
                if self.depth > self.limits.depth {
                    return Err(FrameError::TooDeep { limit: self.limits.depth });
                }
                Text::Outside
            }
            // A bracket too many cannot come: the depth is above zero here, and zero ends the
            // message.
            (Text::Outside, b'}' | b']') => {
                self.depth = self.depth.saturating_sub(1);
                Text::Outside
            }
            (Text::Outside, _) => Text::Outside,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(limits: FrameLimits, pieces: &[&[u8]]) -> Result<Vec<String>, FrameError> {
        let (mut decoder, mut buffer) = (FrameDecoder::new(limits), BytesMut::new());
        let mut found = Vec::new();
        for piece in pieces {
            buffer.extend_from_slice(piece);
            while let Some(frame) = decoder.decode(&mut buffer)? {
                found.push(String::from_utf8(frame.to_vec()).unwrap());
            }
        }
        Ok(found)
    }

    #[test]
    fn messages_are_cut_without_delimiters() {
        let found = cut(FrameLimits::default(), &[b"{\"a\":1}{\"b\":[{}]}\n \t{}"]);
        assert_eq!(found, Ok(vec!["{\"a\":1}".into(), "{\"b\":[{}]}".into(), "{}".into()]));
    }

    #[test]
    fn brackets_and_escaped_quotes_in_strings_do_not_count() {
        let text = br#"{"a":"}\"}{[\\"}{"b":"\\\""}"#;
        let found = cut(FrameLimits::default(), &[text]).unwrap();
        assert_eq!(found, vec![r#"{"a":"}\"}{[\\"}"#, r#"{"b":"\\\""}"#]);
    }

    #[test]
    fn what_is_no_object_ends_the_stream() {
        for (text, found) in [(b"[1]", b'['), (b"nul", b'n'), (b"}{}", b'}')] {
            assert_eq!(
                cut(FrameLimits::default(), &[text]),
                Err(FrameError::NoObject { found }),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_message_may_have_the_longest_length_and_no_more() {
        let limits = FrameLimits { bytes: 8, depth: 4 };
        assert_eq!(cut(limits, &[b"{\"a\":12}"]).map(|found| found.len()), Ok(1));
        assert_eq!(cut(limits, &[b"{\"a\":123}"]), Err(FrameError::TooLong { limit: 8 }));
    }

    #[test]
    fn a_message_that_never_ends_is_given_up_at_the_limit() {
        let limits = FrameLimits { bytes: 100, depth: 4 };
        let pieces: Vec<&[u8]> =
            std::iter::once(&b"{\""[..]).chain([&b"aaaaaaaa"[..]; 20]).collect();
        assert_eq!(cut(limits, &pieces), Err(FrameError::TooLong { limit: 100 }));
    }

    #[test]
    fn depth_is_bounded() {
        let limits = FrameLimits { bytes: 100, depth: 3 };
        assert_eq!(cut(limits, &[b"{\"a\":[[]]}"]).map(|found| found.len()), Ok(1));
        assert_eq!(cut(limits, &[b"{\"a\":[[[]]]}"]), Err(FrameError::TooDeep { limit: 3 }));
    }

    proptest! {
        #[test]
        fn where_the_stream_is_torn_does_not_matter(
            texts in prop::collection::vec("[ a{}\\[\\]\\\\\"]{0,12}", 1..5),
            tear in prop::collection::vec(1usize..7, 0..40),
        ) {
            let messages: Vec<String> =
                texts.iter().map(|text| serde_json::json!({ "t": [text] }).to_string()).collect();
            let stream = messages.concat().into_bytes();
            let (mut rest, mut pieces) = (stream.as_slice(), Vec::new());
            for length in tear {
                let (piece, tail) = rest.split_at(length.min(rest.len()));
                pieces.push(piece);
                rest = tail;
            }
            pieces.push(rest);
            prop_assert_eq!(cut(FrameLimits::default(), &pieces), Ok(messages));
        }
    }
}
