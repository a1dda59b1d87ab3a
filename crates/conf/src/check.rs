//! What concerns several options at once.

use std::net::{IpAddr, Ipv4Addr};

use crate::option::OptionSpec;
use crate::place::Place;
use crate::problem::{Problem, Warning};
use crate::reader::Reader;
use crate::settings::{Api, Hub, Ml2, OsloMiddleware, Process, Scheduling, Settings};
use crate::value::{AuthStrategy, HostAddress, HubAddress};

/// Settings whose parts fit together; what does not fit is noted.
pub(crate) fn check(mut settings: Settings, reader: &mut Reader<'_>) -> Settings {
    noauth_stays_local(&mut settings, reader);
    hub_has_its_certificates(&settings, reader);
    api_has_its_certificate(&settings, reader);
    proxies_are_named(&settings, reader);
    networks_have_their_drivers(&settings, reader);
    agents_report_in_time(&settings, reader);
    leases_are_renewed_before_they_are_rebound(&settings, reader);
    settings
}

fn noauth_stays_local(settings: &mut Settings, reader: &mut Reader<'_>) {
    let api = &mut settings.api;
    if api.auth_strategy != AuthStrategy::Noauth
        || api.noauth_allow_remote
        || api.bind_host.is_loopback()
    {
        return;
    }
    if let Some(place) = at(reader, Api::OPTIONS, "bind_host") {
        let message = "auth_strategy = noauth listens on loopback only, and other machines reach \
                       this address; set noauth_allow_remote = true if that is meant";
        problem(reader, Some(place), "[DEFAULT] bind_host", message.to_owned());
    } else {
        // Neutron's default is every address; nobody asked for that here.
        api.bind_host = HostAddress::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let place = at(reader, Api::OPTIONS, "auth_strategy");
        let message = "auth_strategy = noauth: the API listens on 127.0.0.1, not on 0.0.0.0";
        reader.warnings.push(Warning { place, message: message.to_owned() });
    }
}

fn hub_has_its_certificates(settings: &Settings, reader: &mut Reader<'_>) {
    let hub = &settings.hub;
    let tcp = |address: &HubAddress| matches!(address, HubAddress::Tcp { .. });
    if !hub.tls || !(tcp(&settings.hub_address()) || settings.hub_listen().iter().any(tcp)) {
        return;
    }
    let cause = at(reader, Hub::OPTIONS, "listen")
        .or_else(|| at(reader, Process::OPTIONS, "transport_url"));
    let files =
        [("ca_file", &hub.ca_file), ("cert_file", &hub.cert_file), ("key_file", &hub.key_file)];
    for (name, file) in files {
        if file.is_none() {
            let message = "is required for the hub over TCP, which speaks TLS".to_owned();
            problem(reader, cause.clone(), &format!("[hub] {name}"), message);
        }
    }
}

fn api_has_its_certificate(settings: &Settings, reader: &mut Reader<'_>) {
    if !settings.api.use_ssl {
        return;
    }
    let cause = at(reader, Api::OPTIONS, "use_ssl");
    for (name, file) in
        [("cert_file", &settings.ssl.cert_file), ("key_file", &settings.ssl.key_file)]
    {
        if file.is_none() {
            let message = "is required for use_ssl = true".to_owned();
            problem(reader, cause.clone(), &format!("[ssl] {name}"), message);
        }
    }
}

fn proxies_are_named(settings: &Settings, reader: &mut Reader<'_>) {
    let middleware = &settings.middleware;
    if middleware.enable_proxy_headers_parsing && middleware.trusted_proxies.is_empty() {
        let place = at(reader, OsloMiddleware::OPTIONS, "enable_proxy_headers_parsing");
        let message = "enable_proxy_headers_parsing = true does nothing while [oslo_middleware] \
                       trusted_proxies names no proxy: anybody can send these headers";
        reader.warnings.push(Warning { place, message: message.to_owned() });
    }
}

/// Neutron stops on this too.
fn networks_have_their_drivers(settings: &Settings, reader: &mut Reader<'_>) {
    for kind in settings.ml2.project_network_types.as_slice() {
        if !settings.ml2.type_drivers.contains(*kind) {
            let place = at(reader, Ml2::OPTIONS, "project_network_types")
                .or_else(|| at(reader, Ml2::OPTIONS, "type_drivers"));
            let message = format!("'{kind}' is not among type_drivers");
            problem(reader, place, "[ml2] project_network_types", message);
        }
    }
}

fn agents_report_in_time(settings: &Settings, reader: &mut Reader<'_>) {
    let (report, down) = (settings.agent.report_interval, settings.scheduling.agent_down_time);
    if down < report * 2 {
        let place = at(reader, Scheduling::OPTIONS, "agent_down_time");
        let message = format!(
            "agent_down_time is {} s: less than twice report_interval ({} s), so that one lost \
             report takes an agent for dead",
            down.as_secs(),
            report.as_secs()
        );
        reader.warnings.push(Warning { place, message });
    }
}

fn leases_are_renewed_before_they_are_rebound(settings: &Settings, reader: &mut Reader<'_>) {
    let (renew, rebind) = (settings.dhcp.dhcp_renewal_time, settings.dhcp.dhcp_rebinding_time);
    if renew > 0 && rebind > 0 && renew >= rebind {
        let place = at(reader, crate::settings::Dhcp::OPTIONS, "dhcp_renewal_time");
        // RFC 2131, section 4.4.5: T1 MUST be earlier than T2.
        let message = format!("{renew} s is not before dhcp_rebinding_time ({rebind} s)");
        problem(reader, place, "[DEFAULT] dhcp_renewal_time", message);
    }
}

fn at(reader: &Reader<'_>, table: &[OptionSpec], name: &str) -> Option<Place> {
    table.iter().find(|spec| spec.name == name).and_then(|spec| reader.place(spec))
}

fn problem(reader: &mut Reader<'_>, place: Option<Place>, option: &str, message: String) {
    reader.problems.push(Problem { place, option: Some(option.to_owned()), message });
}
