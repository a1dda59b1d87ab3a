//! The protocol between server and agents: frames, messages, versions.
