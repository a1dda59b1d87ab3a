//! The kernel's side of a host: namespaces, links, sockets, processes.
