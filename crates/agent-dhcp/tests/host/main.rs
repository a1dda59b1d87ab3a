//! The agent on a host of its own: a namespace with a real Open vSwitch, a server in memory, and real
//! DHCP clients. There is no OVS agent here: the bridge is a plain switch.

#[cfg(test)]
mod client;
#[cfg(test)]
mod leases;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod process;
#[cfg(test)]
mod repair;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod switch;
