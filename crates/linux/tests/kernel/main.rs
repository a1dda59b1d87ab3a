//! Against the running kernel, in namespaces made for each test.

#[cfg(test)]
mod links;
#[cfg(test)]
mod namespaces;
#[cfg(test)]
mod scratch;
#[cfg(test)]
mod sockets;
