//! The DHCP agent: every network's leases from one process.
