//! Our bytes as `ovs-ofctl` prints them, against our text.

#![expect(clippy::disallowed_methods, reason = "ovs-ofctl is the second implementation")]

use std::io::Write;
use std::process::Command;

use anyhow::Result;
use bytes::BytesMut;
use nucleon_openflow::message::Message;
use nucleon_openflow::{Flow, FlowMod};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::generate::flows;
use crate::switch::{body, run};

/// The line of a flow-mod: everything of the flow but what stands between match and actions.
fn expected(flow: &Flow) -> (String, String) {
    let body = body(flow);
    let (matched, actions) = body.split_once("actions=").unwrap();
    (matched.trim().to_owned(), actions.to_owned())
}

#[test]
fn random_flows_are_printed_by_ofctl_as_by_us() -> Result<()> {
    if Command::new("ovs-ofctl").arg("-V").output().is_err() {
        eprintln!("SKIPPED: needs ovs-ofctl");
        return Ok(());
    }
    let mut runner = TestRunner::default();
    let flows: Vec<Flow> =
        (0..2000).map(|_| flows().new_tree(&mut runner).unwrap().current()).collect();
    let mut bytes = BytesMut::new();
    for (flow, xid) in flows.iter().zip(1..) {
        Message::FlowMod(FlowMod::Add(flow.clone())).encode(xid, &mut bytes)?;
    }
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(&bytes)?;
    let path = file.path().to_string_lossy().into_owned();
    let printed = run(Command::new("ovs-ofctl").args(["ofp-parse", &path]))?;
    let lines: Vec<&str> =
        printed.lines().filter(|line| line.starts_with("OFPT_FLOW_MOD")).collect();
    assert_eq!(lines.len(), flows.len());
    for (line, flow) in lines.iter().zip(&flows) {
        assert!(!line.contains("decode error"), "{line}\nours: {flow}");
    }
    for (line, flow) in lines.iter().zip(&flows) {
        let (matched, actions) = expected(flow);
        assert!(line.contains(&format!(" {matched}")), "{line}\nours: {flow}");
        assert!(line.ends_with(&format!("actions={actions}")), "{line}\nours: {flow}");
        assert!(line.contains(&format!("cookie:{:#x}", flow.cookie)), "{line}\nours: {flow}");
    }
    Ok(())
}
