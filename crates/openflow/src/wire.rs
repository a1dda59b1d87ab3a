//! Bounded reading and writing of big-endian bytes.

use bytes::{BufMut, BytesMut};

/// Bytes that are no OpenFlow as this crate knows it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("{what}: {needed} bytes needed, {left} left")]
    Truncated { what: &'static str, needed: usize, left: usize },
    #[error("{what}: length {length} is impossible")]
    Length { what: &'static str, length: usize },
    #[error("{what}: value {value:#x} is not allowed")]
    Value { what: &'static str, value: u64 },
    #[error("OpenFlow version {0:#04x} instead of 0x06")]
    Version(u8),
    #[error("actions nested more than {0} deep")]
    Depth(usize),
}

/// Something too large for the length field that has to hold its size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {length} bytes do not fit in an OpenFlow message")]
pub struct EncodeError {
    pub what: &'static str,
    pub length: usize,
}

/// A cursor over bytes of one structure; every read is checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { bytes, what }
    }

    pub(crate) const fn left(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self.bytes.split_at_checked(count).ok_or(DecodeError::Truncated {
            what: self.what,
            needed: count,
            left: self.bytes.len(),
        })?;
        self.bytes = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Result<(), DecodeError> {
        self.take(count).map(|_| ())
    }

    /// Skips padding that may be cut off at the end of the enclosing structure.
    pub(crate) fn skip_padding(&mut self, length: usize) {
        let padding = padding(length).min(self.bytes.len());
        self.bytes = self.bytes.get(padding..).unwrap_or_default();
    }

    pub(crate) fn sub(&mut self, what: &'static str, count: usize) -> Result<Self, DecodeError> {
        Ok(Self { bytes: self.take(count)?, what })
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// An unsigned number of `count` bytes, at most 16.
    pub(crate) fn bits(&mut self, count: usize) -> Result<u128, DecodeError> {
        if count > 16 {
            return Err(self.length(count));
        }
        Ok(self.take(count)?.iter().fold(0, |bits, byte| (bits << 8) | u128::from(*byte)))
    }

    pub(crate) const fn length(&self, length: usize) -> DecodeError {
        DecodeError::Length { what: self.what, length }
    }

    /// A reader over the next type-length structure, whose length counts its own 4 bytes of header
    /// and is a multiple of 8 as everywhere in actions and instructions.
    pub(crate) fn element(&mut self, what: &'static str) -> Result<(u16, Self), DecodeError> {
        let mut peek = *self;
        let kind = peek.u16()?;
        let length = usize::from(peek.u16()?);
        if length < 8 || !length.is_multiple_of(8) {
            return Err(DecodeError::Length { what, length });
        }
        Ok((kind, self.sub(what, length)?))
    }
}

/// Bytes that bring `length` to a multiple of 8.
pub(crate) const fn padding(length: usize) -> usize {
    length.next_multiple_of(8) - length
}

pub(crate) fn put_padding(out: &mut BytesMut, start: usize) {
    out.put_bytes(0, padding(out.len() - start));
}

/// The lowest `count` bytes of `bits`, most significant first.
pub(crate) fn put_bits(out: &mut BytesMut, bits: u128, count: usize) {
    let bytes = bits.to_be_bytes();
    out.put_slice(bytes.get(bytes.len().saturating_sub(count)..).unwrap_or_default());
}

/// Writes the size of what follows `start` into the two bytes at `start + offset`.
pub(crate) fn patch_length(
    out: &mut BytesMut,
    start: usize,
    offset: usize,
    what: &'static str,
) -> Result<(), EncodeError> {
    let length = out.len() - start;
    let too_long = EncodeError { what, length };
    let field = u16::try_from(length).map_err(|_| too_long.clone())?;
    out.get_mut(start + offset..start + offset + 2)
        .ok_or(too_long)?
        .copy_from_slice(&field.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_past_the_end_names_the_structure() {
        let mut reader = Reader::new("thing", &[1, 2, 3]);
        assert_eq!(reader.u16(), Ok(0x0102));
        assert_eq!(reader.u32(), Err(DecodeError::Truncated { what: "thing", needed: 4, left: 1 }));
    }

    #[test]
    fn an_element_shorter_than_its_header_is_refused() {
        let mut reader = Reader::new("list", &[0, 1, 0, 4, 0, 0, 0, 0]);
        assert!(matches!(reader.element("item"), Err(DecodeError::Length { length: 4, .. })));
    }

    #[test]
    fn a_structure_longer_than_its_length_field_is_an_error() {
        let mut out = BytesMut::zeroed(70_000);
        assert_eq!(
            patch_length(&mut out, 0, 2, "flow"),
            Err(EncodeError { what: "flow", length: 70_000 })
        );
    }
}
