//! What the API promises, on SQLite, MariaDB and PostgreSQL from one source.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the tasks of a test end with it")]

mod scene;

mod address_scopes;
mod addresses;
mod agents;
mod auto_allocated_topologies;
mod availability;
mod availability_zones;
mod conntrack_helpers;
mod dhcp;
mod flavors;
mod floating_ips;
mod l3_agents;
mod lists;
mod local_ips;
mod logs;
mod metering;
mod ndp_proxies;
mod networks;
mod pages;
mod plans;
mod port_bindings;
mod port_security;
mod ports;
mod qos;
mod quotas;
mod races;
mod rbac_policies;
mod routed;
mod routers;
mod security_group_rules;
mod security_groups;
mod segments;
mod statements;
mod status;
mod subnetpools;
mod subnets;
mod tags;
mod trunks;
mod views;
