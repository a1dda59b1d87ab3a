//! Logs, metrics, clock and orderly shutdown.
