//! Against a real `ovsdb-server`, with `ovs-vsctl` as the second opinion.

mod bulk;
mod daemon;
mod differential;
mod reconnect;
mod switch;
mod transactions;
