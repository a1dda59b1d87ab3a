//! The configured part of a reply: which options, with what precedence.

use crate::v4::codes::OptionCodes;
use crate::v4::extra::{Effect, push_domain};
use crate::v4::message::{fits_file, fits_sname};
use crate::v4::network::{Client, Lease, Network, Timers};
use crate::v4::option::{WireOption, code};
use crate::v4::request::Request;

/// What goes into a reply besides the protocol's own options.
pub(super) struct Draft<'a> {
    request: &'a Request,
    /// Codes set or taken away already; what comes later does not change them.
    settled: OptionCodes,
    timers: Timers,
    pub(super) options: Vec<WireOption<'a>>,
    pub(super) next_server: Option<std::net::Ipv4Addr>,
    pub(super) sname: Option<&'a [u8]>,
    pub(super) file: Option<&'a [u8]>,
}

impl<'a> Draft<'a> {
    /// What is set on the port comes before what its subnet has.
    pub(super) fn new(
        network: &'a Network,
        client: &'a Client,
        lease: &'a Lease,
        request: &'a Request,
    ) -> Self {
        let mut draft = Self {
            request,
            settled: OptionCodes::default(),
            timers: network.timers,
            options: Vec::with_capacity(16),
            next_server: None,
            sname: None,
            file: None,
        };
        for extra in client.extras.iter().filter(|extra| extra.condition.holds(request.ipxe)) {
            draft.apply(&extra.effect);
        }
        if let Some(subnet) = network.subnets.get(lease.subnet) {
            for option in &subnet.options {
                draft.push(option.borrowed());
            }
        }
        draft.push_names(&lease.hostname, network.domain.as_deref());
        draft
    }

    /// The lease time, T1 and T2: asked for or not, like any server does.
    pub(super) fn push_times(&mut self) {
        let mut push = |code, seconds: u32| {
            self.options.push(WireOption::new(code, seconds.to_be_bytes().to_vec()));
        };
        push(code::LEASE_TIME, self.timers.lease.wire());
        if let Some((renewal, rebinding)) = self.timers.renewal_and_rebinding() {
            push(code::RENEWAL, renewal);
            push(code::REBINDING, rebinding);
        }
    }

    fn apply(&mut self, effect: &'a Effect) {
        match effect {
            Effect::Send(option) => {
                // Boot loaders read either the option or the field of the header.
                if option.code == code::BOOTFILE && fits_file(&option.data) {
                    self.file.get_or_insert(&option.data);
                }
                if option.code == code::TFTP_SERVER && fits_sname(&option.data) {
                    self.sname.get_or_insert(&option.data);
                }
                self.push(option.borrowed());
            }
            Effect::Suppress(code) => {
                self.settled.insert(*code);
            }
            Effect::NextServer(address) => {
                self.next_server.get_or_insert(*address);
            }
            Effect::LeaseTime(lease) => self.timers.lease = *lease,
            Effect::Renewal(seconds) => self.timers.renewal = Some(*seconds),
            Effect::Rebinding(seconds) => self.timers.rebinding = Some(*seconds),
            Effect::Nothing => {}
        }
    }

    /// Adds an option when its code is not settled and the client wants it.
    fn push(&mut self, option: WireOption<'a>) {
        let wanted = always_sent(option.code) || self.request.wants(option.code);
        if self.settled.insert(option.code) && wanted {
            self.options.push(option);
        }
    }

    fn push_names(&mut self, hostname: &'a str, domain: Option<&'a str>) {
        if let Some(domain) = domain {
            self.push(WireOption::new(code::DOMAIN_NAME, domain.as_bytes()));
        }
        self.push(WireOption::new(code::HOSTNAME, hostname.as_bytes()));
        if let Some(flags) = self.request.fqdn_flags {
            self.options.push(WireOption::new(code::FQDN, fqdn(flags, hostname, domain)));
        }
    }
}

/// Options that Neutron's clients get unasked: its dnsmasq puts mask and broadcast address into
/// every reply, and is told to force the MTU.
fn always_sent(option: u8) -> bool {
    matches!(option, code::NETMASK | code::BROADCAST | code::MTU)
}

/// Option 81 in reply (RFC 4702, section 4): the name is ours and so is the update of the DNS.
fn fqdn(asked: u8, hostname: &str, domain: Option<&str>) -> Vec<u8> {
    const SERVER_UPDATES: u8 = 0x01;
    const OVERRIDDEN: u8 = 0x02;
    const WIRE_FORM: u8 = 0x04;
    let overridden = if asked & SERVER_UPDATES == 0 { OVERRIDDEN } else { 0 };
    let name = domain.map_or_else(|| hostname.to_owned(), |domain| format!("{hostname}.{domain}"));

    let mut labels = Vec::new();
    let wire = asked & WIRE_FORM != 0 && push_domain(&mut labels, &name).is_some();
    let form = if wire { WIRE_FORM } else { 0 };
    // The two octets of the deprecated response codes are 255 (RFC 4702, section 2.2).
    let mut data = vec![SERVER_UPDATES | overridden | form, 255, 255];
    data.extend_from_slice(if wire { &labels } else { name.as_bytes() });
    data
}
