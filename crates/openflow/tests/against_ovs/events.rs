//! What the switch tells, and how connections begin and end.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use nucleon_openflow::message::{PacketOut, PortChange};
use nucleon_openflow::{
    Action, Connection, Controller, Error, Event, Events, Flow, FlowMod, PacketReason, Port,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::time::timeout;

use crate::switch::Switch;

/// An untagged frame from fa:16:3e:00:00:01 to everyone.
pub(crate) fn frame() -> Bytes {
    let mut frame = vec![0xff; 6];
    frame.extend([0xfa, 0x16, 0x3e, 0, 0, 1, 0x12, 0x34]);
    frame.resize(64, 0xab);
    frame.into()
}

async fn next(events: &mut Events) -> Result<Event> {
    let event = timeout(Duration::from_secs(10), events.next()).await?;
    event.context("the events have ended")
}

#[tokio::test]
async fn a_bridge_without_openflow_15_is_refused_with_what_it_speaks() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    switch.add_bridge("old", "OpenFlow10,OpenFlow13")?;
    let error = switch.connect("old").await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("old.mgmt"), "{text}");
    assert!(text.contains("does not speak OpenFlow 1.5 but 1.3, 1.0"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_socket_that_is_not_there_is_named() {
    let error = Connection::open("/nowhere/br0.mgmt").await.unwrap_err();
    assert!(matches!(&error, Error::Open { path, .. } if path.ends_with("br0.mgmt")));
}

#[tokio::test]
async fn ports_that_come_and_go_are_told() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    let (_bridge, mut events) = switch.connect("br0").await?;
    let add = ["add-port", "br0", "p1", "--", "set", "interface", "p1", "type=internal"];
    switch.run("ovs-vsctl", &add)?;
    let port = loop {
        match next(&mut events).await? {
            Event::PortStatus(status) if status.port.name == "p1" => {
                assert_eq!(status.change, PortChange::Added);
                break status.port.port;
            }
            Event::PortStatus(_) => {}
            other => panic!("{other:?}"),
        }
    };
    switch.run("ovs-vsctl", &["del-port", "p1"])?;
    loop {
        match next(&mut events).await? {
            Event::PortStatus(status) if status.change == PortChange::Deleted => {
                assert_eq!(status.port.port, port);
                return Ok(());
            }
            Event::PortStatus(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_restarted_switch_closes_the_connection() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    let (bridge, mut events) = switch.connect("br0").await?;
    switch.stop("ovs-vswitchd");
    loop {
        match next(&mut events).await? {
            Event::Closed { path, .. } => {
                assert_eq!(path, switch.management("br0"));
                break;
            }
            Event::PortStatus(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(events.next().await, None);
    assert!(matches!(bridge.barrier().await, Err(Error::Closed { .. })));
    switch.start_vswitchd()?;
    let (bridge, _events) = switch.connect("br0").await?;
    bridge.barrier().await?;
    Ok(())
}

#[tokio::test]
async fn packets_come_only_to_who_asks_for_them() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    let (bridge, mut events) = switch.connect("br0").await?;
    let (_silent, mut silence) = switch.connect("br0").await?;
    bridge.receive_packets().await?;
    let controller = Controller { userdata: vec![1, 2, 3], ..Controller::default() };
    let flow = Flow::new(0, 7).cookie(0x77).actions([Action::Controller(controller)]);
    bridge.apply_bundle(&[FlowMod::Add(flow)]).await?;
    let actions = vec![Action::Output(Port::TABLE)];
    bridge.packet_out(PacketOut { in_port: Port::LOCAL, actions, data: frame() }).await?;
    let packet = loop {
        match next(&mut events).await? {
            Event::PacketIn(packet) if packet.data == frame() => break packet,
            Event::PacketIn(_) | Event::PortStatus(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(packet.in_port(), Some(Port::LOCAL));
    assert_eq!((packet.table, packet.cookie), (0, 0x77));
    assert_eq!(packet.reason, PacketReason::Action);
    assert_eq!(packet.userdata.as_ref(), [1, 2, 3]);
    while let Ok(event) = timeout(Duration::from_millis(100), silence.next()).await {
        assert!(matches!(event, Some(Event::PortStatus(_))), "{event:?}");
    }
    Ok(())
}

/// A peer that says hello and then `bytes`.
async fn peer(directory: &tempfile::TempDir, bytes: &'static [u8]) -> Result<Error> {
    let path = directory.path().join("br0.mgmt");
    let listener = UnixListener::bind(&path)?;
    let serve = async {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(&[6, 0, 0, 8, 0, 0, 0, 0]).await?;
        // A hello, and the first request.
        let mut hello = [0; 24];
        stream.read_exact(&mut hello).await?;
        stream.write_all(bytes).await?;
        anyhow::Ok(stream)
    };
    let (stream, opened) = tokio::join!(serve, Connection::open(&path));
    drop(stream);
    opened.err().context("the connection is open")
}

#[tokio::test]
async fn a_peer_that_breaks_the_framing_is_left() -> Result<()> {
    let error = peer(&tempfile::tempdir()?, &[6, 8, 0, 3, 0, 0, 0, 1]).await?;
    assert!(
        matches!(&error, Error::Closed { reason, .. } if reason.contains("length 3")),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn an_unreadable_answer_is_an_error_of_its_request() -> Result<()> {
    let error = peer(&tempfile::tempdir()?, &[6, 8, 0, 10, 0, 0, 0, 1, 0, 0]).await?;
    assert!(matches!(&error, Error::Decode { what, .. } if what == "configuration"), "{error}");
    Ok(())
}
