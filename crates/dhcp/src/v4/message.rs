//! Laying out a reply: the fixed header, and options within the size the client takes.

use std::net::Ipv4Addr;

use dhcproto::v4::MAGIC;
use nucleon_net::MacAddr;

use super::option::{WireOption, code, rank};

const FILE_LEN: usize = 128;
const SNAME_LEN: usize = 64;
/// The header and the magic cookie.
const FIXED_LEN: usize = 240;
/// BOOTP's size; relays and old clients drop what is shorter (RFC 1542, section 2.1).
const SHORTEST: usize = 300;
/// IPv4 and UDP headers, which count towards a message's size (RFC 2131, section 2).
pub(super) const LOWER_HEADERS: usize = 28;

/// The fields of a reply before its options (RFC 2131, table 3).
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'a> {
    pub(super) xid: u32,
    pub(super) flags: u16,
    pub(super) ciaddr: Ipv4Addr,
    pub(super) yiaddr: Ipv4Addr,
    pub(super) siaddr: Ipv4Addr,
    pub(super) mac: MacAddr,
    /// Name of the boot server, when it fits its field.
    pub(super) sname: Option<&'a [u8]>,
    /// Name of the boot file, when it fits its field.
    pub(super) file: Option<&'a [u8]>,
}

/// Writes a message of at most `limit` octets; returns it and the codes that found no room.
pub(super) fn write(
    header: &Header<'_>,
    mut options: Vec<WireOption<'_>>,
    limit: usize,
) -> (Vec<u8>, Vec<u8>) {
    // Stable: several options of one rank stay in the order in which they were configured.
    options.sort_by_key(|option| rank(option.code));
    let areas = Areas::fill(header, &options, limit);

    let mut message =
        Vec::with_capacity(FIXED_LEN + areas.main.len().max(SHORTEST - FIXED_LEN) + 1);
    // BOOTREPLY, Ethernet, six octets, no hops.
    message.extend_from_slice(&[2, 1, 6, 0]);
    message.extend_from_slice(&header.xid.to_be_bytes());
    message.extend_from_slice(&[0, 0]);
    message.extend_from_slice(&header.flags.to_be_bytes());
    for address in [header.ciaddr, header.yiaddr, header.siaddr, Ipv4Addr::UNSPECIFIED] {
        message.extend_from_slice(&address.octets());
    }
    message.extend_from_slice(&header.mac.octets());
    message.extend_from_slice(&[0; 10]);
    field(&mut message, SNAME_LEN, areas.sname.as_deref().or(header.sname));
    field(&mut message, FILE_LEN, areas.file.as_deref().or(header.file));
    message.extend_from_slice(&MAGIC);
    message.extend_from_slice(&areas.main);
    message.push(255);
    if message.len() < SHORTEST {
        message.resize(SHORTEST, 0);
    }
    (message, areas.left_out)
}

/// Whether the name of a boot file fits its field; the final zero is part of it.
pub(super) fn fits_file(name: &[u8]) -> bool {
    name.len() <= FILE_LEN
}

/// Whether the name of a server fits its field; the final zero is part of it.
pub(super) fn fits_sname(name: &[u8]) -> bool {
    name.len() <= SNAME_LEN
}

fn field(message: &mut Vec<u8>, len: usize, content: Option<&[u8]>) {
    let content = content.unwrap_or_default();
    let used = content.len().min(len);
    message.extend(content.iter().take(len));
    message.resize(message.len() + len - used, 0);
}

/// The options, sorted into the places a message has for them.
#[derive(Default)]
struct Areas {
    main: Vec<u8>,
    /// Options in the fields for names (RFC 2132, section 9.3).
    file: Option<Vec<u8>>,
    sname: Option<Vec<u8>>,
    left_out: Vec<u8>,
}

impl Areas {
    fn fill(header: &Header<'_>, options: &[WireOption<'_>], limit: usize) -> Self {
        // One octet is the end mark's.
        let room = limit.saturating_sub(FIXED_LEN + 1);
        let mut areas = Self::default();
        if options.iter().map(WireOption::wire_len).sum::<usize>() <= room {
            for option in options {
                option.write(&mut areas.main);
            }
            return areas;
        }

        // Three octets for the option that tells of the overload.
        let room = room.saturating_sub(3);
        for option in options {
            let len = option.wire_len();
            if areas.main.len() + len <= room {
                option.write(&mut areas.main);
            } else if option.code != code::MESSAGE_TYPE
                && (put(&mut areas.file, header.file, FILE_LEN, option)
                    || put(&mut areas.sname, header.sname, SNAME_LEN, option))
            {
            } else {
                areas.left_out.push(option.code);
            }
        }
        let overload = u8::from(areas.file.is_some()) | u8::from(areas.sname.is_some()) << 1;
        if overload != 0 {
            areas.main.extend_from_slice(&[code::OVERLOAD, 1, overload]);
        }
        for area in [&mut areas.file, &mut areas.sname].into_iter().flatten() {
            area.push(255);
        }
        areas
    }
}

/// Puts an option into a field that carries no name, if it fits with the end mark.
fn put(
    area: &mut Option<Vec<u8>>,
    name: Option<&[u8]>,
    len: usize,
    option: &WireOption<'_>,
) -> bool {
    let used = area.as_ref().map_or(0, Vec::len);
    if name.is_some() || used + option.wire_len() + 1 > len {
        return false;
    }
    option.write(area.get_or_insert_default());
    true
}
