//! Frames made by hand, and who hears them.

use std::time::Duration;

use nucleon_lab::Station;
use nucleon_lab::capture::Capture;
use nucleon_lab::frame::Seen;
use nucleon_linux::{PacketKind, PacketOptions, PacketSocket};
use nucleon_net::MacAddr;

/// For local experiments (IEEE 802, 9.2.3): nobody else here sends it.
const EXPERIMENT: u16 = 0x88b5;

/// An IPv6 multicast address.
pub(crate) const MULTICAST: MacAddr = MacAddr::new([0x33, 0x33, 0, 0, 0, 0x99]);
/// Nobody's.
pub(crate) const UNKNOWN: MacAddr = MacAddr::new([0xfa, 0x16, 0x3e, 0xff, 0xff, 0xff]);

/// How long a frame may take that is not to arrive at all.
const SILENCE: Duration = Duration::from_millis(300);

/// Sends a frame with `mark`, with a tag's control field where there is one.
pub(crate) async fn send(from: &Station, to: MacAddr, tag: Option<u16>, mark: u8) {
    let mut frame = to.octets().to_vec();
    frame.extend(from.mac().await.unwrap().octets());
    if let Some(control) = tag {
        frame.extend([0x81, 0x00]);
        frame.extend(control.to_be_bytes());
    }
    frame.extend(EXPERIMENT.to_be_bytes());
    frame.push(mark);
    frame.resize(64, 0);
    let options = PacketOptions::default();
    let socket = PacketSocket::open(from.netns(), from.link(), options).await.unwrap();
    socket.send(&frame).await.unwrap();
}

/// Whether a frame is one of ours with `mark` that came from elsewhere.
fn is_marked(seen: &Seen, mark: u8) -> bool {
    seen.kind != PacketKind::Outgoing
        && seen.ethertype() == Some(EXPERIMENT)
        && seen.bytes.get(14) == Some(&mark)
}

/// Waits until all of `hear` have heard `mark`, gives it time to go astray, and sees that none of `deaf` have.
pub(crate) async fn heard_by(mark: u8, hear: &[&Capture], deaf: &[&Capture]) {
    for capture in hear {
        let patience = Duration::from_secs(10);
        capture.wait_for("the marked frame", patience, |seen| is_marked(seen, mark)).await.unwrap();
    }
    tokio::time::sleep(SILENCE).await;
    for capture in deaf {
        let astray = capture.matching(|seen| is_marked(seen, mark));
        assert!(astray.is_empty(), "{} hears {}", capture.label(), astray[0]);
    }
    for capture in hear {
        let copies = capture.matching(|seen| is_marked(seen, mark)).len();
        assert_eq!(copies, 1, "{} hears the frame more than once", capture.label());
    }
}

/// The tag with which a marked frame passed.
pub(crate) fn tag_of(mark: u8, capture: &Capture) -> Option<u16> {
    let seen = capture.matching(|seen| is_marked(seen, mark)).into_iter().next().unwrap();
    seen.vlan.map(nucleon_net::VlanId::get)
}
