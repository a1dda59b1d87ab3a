//! The hub: hints, watches and reports between the server and its agents.
