//! Matches as OXM bytes (OpenFlow 1.5.1, 7.2.3).

use bytes::{BufMut, BytesMut};

use super::{Match, RawField};
use crate::field::{Field, Masking};
use crate::wire::{DecodeError, EncodeError, Reader, patch_length, put_bits, put_padding};

/// OFPMT_OXM.
const TYPE_OXM: u16 = 1;

impl Match {
    /// Writes the structure with its header and padding.
    pub(crate) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(TYPE_OXM);
        out.put_u16(0);
        self.encode_fields(out);
        patch_length(out, start, 2, "match")?;
        put_padding(out, start);
        Ok(())
    }

    /// Writes the bare fields.
    pub(crate) fn encode_fields(&self, out: &mut BytesMut) {
        for found in &self.fields {
            let masked = found.mask != found.field.full();
            put_oxm(out, found.field, found.value, masked.then_some(found.mask));
        }
        for raw in &self.unknown {
            out.put_u32(raw.header);
            out.put_slice(&raw.payload);
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = reader.u16()?;
        if kind != TYPE_OXM {
            return Err(DecodeError::Value { what: "match type", value: kind.into() });
        }
        let length = usize::from(reader.u16()?);
        let inner = length.checked_sub(4).ok_or_else(|| reader.length(length))?;
        let mut fields = reader.sub("match", inner)?;
        reader.skip_padding(length);
        Self::decode_fields(&mut fields)
    }

    /// Reads bare fields to the end.
    pub(crate) fn decode_fields(fields: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut found = Self::new();
        while !fields.is_empty() {
            let header = fields.u32()?;
            let [.., length] = header.to_be_bytes();
            let mut payload = fields.sub("match field", usize::from(length))?;
            match Field::from_header(header) {
                Some((field, false)) => {
                    let value = payload.bits(field.bytes())?;
                    found.insert(field, value, field.full());
                }
                Some((field, true)) if field.masking() == Masking::Maskable => {
                    let value = payload.bits(field.bytes())?;
                    let mask = payload.bits(field.bytes())?;
                    found.insert(field, value, mask);
                }
                _ => {
                    let payload = payload.rest().to_vec();
                    found.insert_unknown(RawField { header, payload });
                }
            }
        }
        Ok(found)
    }
}

/// One field with its value, and its mask where there is one.
pub(crate) fn put_oxm(out: &mut BytesMut, field: Field, value: u128, mask: Option<u128>) {
    out.put_u32(field.header(mask.is_some()));
    put_bits(out, value, field.bytes());
    if let Some(mask) = mask {
        put_bits(out, mask, field.bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{hex, unhex};

    #[test]
    fn a_match_reads_back_from_the_bytes_of_a_switch() {
        // reg5=0x3,reg6=0x5/0xff,metadata=0x5 as Open vSwitch 3.1 sends it.
        let bytes = "00010038800105100000000000000003\
                     00000000ffffffff8001071000000005\
                     00000000000000ff0000000080000408\
                     0000000000000005";
        let bytes = unhex("bytes", bytes).unwrap();
        let mut reader = Reader::new("test", &bytes);
        let found = Match::decode(&mut reader).unwrap();
        assert_eq!(
            found.to_string(),
            "reg5=0x3,reg6=0/0xff,reg7=0/0xff,metadata=0x5"
                .replace("reg6=0/0xff,reg7=0/0xff", "reg6=0x5/0xff")
        );
    }

    #[test]
    fn an_unknown_field_is_kept_as_it_came() {
        let bytes = unhex("bytes", "0001000d80ffaa05010203040500000000").unwrap();
        let bytes = &bytes[..16];
        let found = Match::decode(&mut Reader::new("test", bytes)).unwrap();
        assert_eq!(
            found.unknown(),
            [RawField { header: 0x80ff_aa05, payload: vec![1, 2, 3, 4, 5] }]
        );
        let mut out = BytesMut::new();
        found.encode(&mut out).unwrap();
        assert_eq!(hex(&out), hex(bytes));
    }
}
