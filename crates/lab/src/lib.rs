//! A data centre in network namespaces, for the demo, the end-to-end tests and the benchmarks.
//!
//! It owns hosts with an Open vSwitch each, virtual machines, bare metal, routers, the networks
//! between them, what is started in them and what is seen there, and it leaves nothing behind. It
//! fakes no data plane, and it knows of the system under test only how it is started and its API.
//!
//! ```text
//!   controller      compute1        compute2        network1         each a namespace with mounts,
//!   nucleon server  ovs-agent       ovs-agent       ovs-agent         processes, and an OVS of its
//!       |           br-int - VMs    br-int - VMs    dhcp-agent        own
//!       |           br-ex  br-flat  br-ex  br-flat  br-ex  br-flat
//!   ----+-------------|-|-----|-------|-|-----|-------|-|-----|----   management (Linux bridge)
//!                       |     |         |     |         |     |
//!          tor: OVS ====+=====|=========+=====|=========+     |      trunks, VLANs 101 and 102
//!           | access ports    |               |               |
//!      bare metal, router     +------ flat ---+---------------+      untagged (Linux bridge)
//! ```
//!
//! Names that the whole machine sees carry the lab's id, so that labs run side by side.

pub mod api;
mod bare_metal;
pub mod broadcast;
pub mod capture;
pub mod certificates;
pub mod cloud;
pub mod data_centre;
mod database;
pub mod demo;
pub mod dhcp_client;
pub mod evidence;
mod flow_watch;
pub mod frame;
mod host;
pub mod instance;
mod lab;
mod net;
pub mod ping;
pub mod process;
mod proxy;
mod router;
pub mod scenario;
pub mod stage;
mod station;
mod switch;
mod tools;
mod vm;

pub use crate::api::{Api, ApiError};
pub use crate::bare_metal::BareMetal;
pub use crate::cloud::{Cloud, Role, wait_until};
pub use crate::data_centre::DataCentre;
pub use crate::database::DatabaseServer;
pub use crate::flow_watch::FlowWatch;
pub use crate::host::Host;
pub use crate::instance::Instance;
pub use crate::lab::{Lab, LabId, Swept, exit_on_interrupt, sweep};
pub use crate::net::{Segment, link_name};
pub use crate::proxy::Proxy;
pub use crate::router::Router;
pub use crate::stage::Stage;
pub use crate::station::Station;
pub use crate::switch::{Daemon, PortVlan, Switch};
pub use crate::vm::{Isolation, Plug, Vm, plug_all};
