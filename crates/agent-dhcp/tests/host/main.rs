//! The agent on a host of its own: a namespace with a real Open vSwitch, a server in memory, and real
//! DHCP clients. There is no OVS agent here: the bridge is a plain switch.

mod client;
mod leases;
mod machine;
mod process;
mod repair;
mod restart;
mod scene;
mod speed;
mod switch;
