//! The process's own signals, sent to itself: a test program of its own, since signals are too.

use nix::sys::signal::{self, raise};
use nucleon_obs::{Signal, Signals};

#[tokio::test]
async fn each_signal_is_what_the_operator_means_by_it() {
    let mut signals = Signals::listen().unwrap();
    for (sent, meant) in [
        (signal::SIGHUP, Signal::Reload),
        (signal::SIGTERM, Signal::Drain),
        (signal::SIGINT, Signal::Interrupt),
        (signal::SIGHUP, Signal::Reload),
    ] {
        raise(sent).unwrap();
        assert_eq!(signals.next().await, meant);
    }
}
