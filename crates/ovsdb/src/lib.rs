//! An OVSDB client: JSON-RPC, monitors and transactions over the switch's own socket.
