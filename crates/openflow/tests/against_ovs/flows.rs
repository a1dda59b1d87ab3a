//! Flows written by one side and read by the other.

use anyhow::Result;
use nucleon_openflow::{
    Action, CookieFilter, Flow, FlowFilter, FlowMod, Instructions, Match, Port, diff, field,
};

use crate::switch::{Switch, bodies};

/// Flows of the integration bridge, the physical bridge, the tunnel bridge and the firewall, and
/// one of each thing that the codec knows.
pub(crate) const FLOWS: &[&str] = &[
    "table=0,priority=3,in_port=2,dl_vlan=101,actions=set_field:4097->vlan_vid,resubmit(,60)",
    "table=0,priority=3,in_port=2,vlan_tci=0x0000/0x1fff,actions=push_vlan:0x8100,set_field:4098->vlan_vid,resubmit(,60)",
    "table=0,priority=2,in_port=2,actions=drop",
    "table=0,priority=0,actions=resubmit(,60)",
    "table=60,priority=20,dl_vlan=1,dl_dst=fa:16:3e:00:00:01,actions=pop_vlan,output:5",
    "table=60,priority=10,dl_vlan=1,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=output:3,pop_vlan,output:5,output:6",
    "table=1,priority=4,in_port=3,dl_vlan=1,actions=set_field:4197->vlan_vid,NORMAL",
    "table=1,priority=4,in_port=3,dl_vlan=2,actions=strip_vlan,NORMAL",
    "table=4,tun_id=0x1f5,actions=push_vlan:0x8100,set_field:4097->vlan_vid,resubmit(,10)",
    "table=10,actions=learn(table=20,hard_timeout=300,priority=1,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:0->NXM_OF_VLAN_TCI[],load:NXM_NX_TUN_ID[]->NXM_NX_TUN_ID[],load:NXM_NX_TUN_IPV4_SRC[]->NXM_NX_TUN_IPV4_DST[],output:OXM_OF_IN_PORT[]),output:7",
    "table=11,ip,actions=learn(table=20,idle_timeout=7,hard_timeout=300,fin_idle_timeout=3,fin_hard_timeout=4,priority=1,send_flow_rem,delete_learned,cookie=0x5,limit=5,result_dst=NXM_NX_REG0[0],eth_type=0x800,NXM_OF_IP_DST[]=NXM_OF_IP_SRC[],NXM_NX_REG0[0..3]=0x5,load:0xfa163e000001->NXM_OF_ETH_DST[],output:NXM_OF_IN_PORT[])",
    "table=22,dl_vlan=1,actions=pop_vlan,set_field:0x1f5->tun_id,set_field:172.16.0.2->tun_dst,output:9",
    "table=71,priority=65,ct_state=-trk,ip,reg5=0x3,in_port=3,dl_src=fa:16:3e:00:00:01,nw_src=10.0.0.5,actions=ct(table=72,zone=NXM_NX_REG6[0..15])",
    "table=72,priority=77,ct_state=+est-rel+rpl+trk,ct_zone=5,ct_mark=0,ip,reg5=3,actions=resubmit(,91)",
    "table=72,priority=70,conj_id=10,ct_state=+new-est,tcp,reg5=3,actions=load:0xa->NXM_NX_REG7[],resubmit(,73)",
    "table=72,priority=70,ct_state=+new-est,ip,reg5=3,nw_dst=10.0.0.0/24,actions=conjunction(10,1/2),conjunction(11,2/3)",
    "table=72,priority=70,ct_state=+new-est,tcp,reg5=3,tp_dst=80/0xfff0,actions=conjunction(10,2/2)",
    "table=72,priority=50,ct_state=+inv+trk,actions=drop",
    "table=73,priority=90,ct_state=+new-est,ip,reg5=3,actions=ct(commit,zone=NXM_NX_REG6[0..15]),resubmit(,91)",
    "table=73,priority=80,ip,actions=ct(commit,force,table=3,zone=5,nat(src=1.1.1.1-1.1.1.2:10-20,random),exec(set_field:0x1->ct_mark))",
    "table=73,priority=81,ip,actions=ct(commit,nat(dst=10.0.0.1)),ct(nat),ct(commit,exec(load:0x1->NXM_NX_CT_MARK[]))",
    "table=73,priority=82,ipv6,actions=ct(commit,table=4,zone=7,nat(src=2001:db8::1-2001:db8::2,persistent))",
    "table=73,priority=83,ipv6,tcp6,actions=ct(commit,table=4,zone=7,nat(src=[2001:db8::1]-[2001:db8::2]:5-6,persistent,hash),alg=ftp)",
    "table=73,priority=84,ct_state=+est+trk,ip,actions=ct_clear,ct(table=1),resubmit(3,4,ct),ct(commit,exec(set_field:0x5/0xff->ct_mark,move:NXM_NX_REG0[]->NXM_NX_CT_MARK[]))",
    "table=30,arp,arp_op=1,arp_tpa=10.0.0.1,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],mod_dl_src:fa:16:3e:00:00:01,load:0x2->NXM_OF_ARP_OP[],move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],load:0xfa163e000001->NXM_NX_ARP_SHA[],load:0xa000001->NXM_OF_ARP_SPA[],in_port",
    "table=31,arp,arp_spa=10.0.0.0/8,arp_sha=fa:16:3e:00:00:01,arp_tha=00:00:00:00:00:00,actions=set_field:fa:16:3e:00:00:01->arp_sha,set_field:10.0.0.1->arp_tpa,NORMAL",
    "table=32,icmp6,icmp_type=135,icmp_code=0,nd_target=fe80::1,nd_sll=00:00:00:00:00:01,actions=set_field:136->icmpv6_type,set_field:0->icmpv6_code,set_field:2->nd_options_type,set_field:0xE0000000->nd_reserved,resubmit(,33)",
    "table=33,icmp6,icmp_type=136,icmp_code=0,nd_tll=00:00:00:00:00:02,actions=set_field:fa:16:3e:00:00:01->nd_tll,in_port",
    "table=34,udp,actions=controller(userdata=01.02.03,pause,id=3),controller,controller(max_len=128,id=5),controller(reason=no_match),note:01.02.03",
    "table=35,ip,pkt_mark=3,tun_src=1.1.1.1,tun_dst=1.1.1.0/24,actions=output:NXM_NX_REG7[],output:NXM_NX_REG5[0..15],dec_ttl,set_queue:3,pop_queue,LOCAL,NORMAL,FLOOD,ALL,CONTROLLER:100",
    "table=36,ip,nw_tos=32,nw_ecn=1,nw_ttl=64,nw_frag=no,actions=mod_nw_tos:16,mod_nw_ecn:2,mod_nw_ttl:3,clear_actions,write_actions(output:3,dec_ttl),write_metadata:0x5/0xff,goto_table:37",
    "table=37,metadata=5,reg6=0x5/0xff,reg15=1,actions=goto_table:38",
    "table=38,metadata=0x100/0xff00,ip_frag=later,ip,nw_proto=89,actions=write_metadata:0x5,goto_table:39",
    "table=39,tcp6,ipv6_src=2001:db8::/32,ipv6_dst=::1,ipv6_label=0x5,tcp_flags=+syn-ack,ct_label=5,actions=set_field:2001:db8::5->ipv6_dst,set_field:81->tcp_dst,load:5->NXM_NX_REG3[4..7],set_field:0x5->xreg0,set_field:0x6->xxreg1",
    "table=40,dl_vlan=5,dl_vlan_pcp=3,dl_type=0x1234,actions=set_field:3->vlan_pcp,output(port=3,max_len=100),resubmit(5,)",
    "table=41,vlan_tci=0x1000/0x1000,actions=mod_vlan_vid:7,mod_vlan_pcp:2,output:1",
    "table=42,vlan_vid=0x1005/0x1005,vlan_pcp=2,actions=output:3",
    "table=43,sctp,tp_src=5,tp_dst=6,actions=set_field:7->sctp_dst,output:1",
    "table=44,icmp,icmp_type=8,icmp_code=0,actions=set_tunnel:5,set_tunnel64:0x100000000,load:0->NXM_OF_IN_PORT[],output:1",
    "table=45,udp6,tp_src=1000/0xfff8,actions=set_field:0x7/0xf->pkt_mark,ct(commit,exec(load:0x3->NXM_NX_CT_LABEL[0..31])),resubmit(,46)",
    "table=46,tun_id=0x500/0xff00,tun_ipv6_src=2001:db8::/64,tun_ipv6_dst=2001:db8::7,tun_flags=oam,in_port=LOCAL,actions=set_field:2001:db8::9->tun_ipv6_dst,output:1",
    "table=47,xreg1=0x500000006,xxreg1=7,dl_src=fa:16:3e:00:00:00/ff:ff:ff:00:00:00,actions=drop",
    // Things that this crate keeps as they are.
    "table=50,tcp,actions=fin_timeout(idle_timeout=5),dec_ttl(1,2),multipath(symmetric_l4,1024,hrw,12,0,NXM_NX_REG5[0..5]),push:NXM_NX_REG0[],pop:NXM_NX_REG1[],check_pkt_larger(100)->NXM_NX_REG0[0],exit",
    "table=51,mpls,mpls_label=5,actions=drop",
    "cookie=0x1234,table=52,idle_timeout=500,hard_timeout=600,importance=7,send_flow_rem,sctp,actions=drop",
];

/// Flows whose text is not ours word for word because they hold what this crate does not know.
fn is_known(flow: &Flow) -> bool {
    !flow.to_string().contains("unknown")
}

#[tokio::test]
async fn flows_written_by_ofctl_are_read_as_it_prints_them() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    for flow in FLOWS {
        switch.ofctl(&["add-flow", "br0", flow])?;
    }
    let (bridge, _events) = switch.connect("br0").await?;
    let read = bridge.dump_flows(&FlowFilter::all()).await?;
    assert_eq!(read.len(), FLOWS.len());
    let (known, unknown): (Vec<Flow>, Vec<Flow>) = read.into_iter().partition(is_known);
    let unknown: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    assert_eq!(unknown.len(), 2, "{unknown:#?}");
    let printed = switch.printed_flows("br0")?;
    for body in bodies(&known) {
        assert!(printed.contains(&body), "{body}\nis none of\n{}", printed.join("\n"));
    }
    Ok(())
}

#[tokio::test]
async fn flows_read_from_one_bridge_are_the_same_on_another() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    switch.add_bridge("br1", "OpenFlow10,OpenFlow13,OpenFlow15")?;
    for flow in FLOWS {
        switch.ofctl(&["add-flow", "br0", flow])?;
    }
    let (from, _events) = switch.connect("br0").await?;
    let (to, _events) = switch.connect("br1").await?;
    let read = from.dump_flows(&FlowFilter::all()).await?;
    let changes: Vec<FlowMod> = read.iter().cloned().map(FlowMod::Add).collect();
    to.apply_bundle(&changes).await?;
    let mut copied = to.dump_flows(&FlowFilter::all()).await?;
    let mut read = read;
    read.sort();
    copied.sort();
    assert_eq!(copied, read);
    assert_eq!(switch.printed_flows("br1")?, switch.printed_flows("br0")?);
    Ok(())
}

#[tokio::test]
async fn flows_of_our_parser_are_what_ofctl_makes_of_the_same_text() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    switch.add_bridge("br1", "OpenFlow10,OpenFlow13,OpenFlow15")?;
    let mut ours = Vec::new();
    for text in FLOWS {
        // Old words of ovs-ofctl that the parser does not take.
        if let Ok(flow) = text.parse::<Flow>() {
            switch.ofctl(&["add-flow", "br0", text])?;
            ours.push(flow);
        }
    }
    assert!(ours.len() > 35, "the parser reads {} of {}", ours.len(), FLOWS.len());
    let (bridge, _events) = switch.connect("br1").await?;
    let changes: Vec<FlowMod> = ours.iter().cloned().map(FlowMod::Add).collect();
    bridge.flow_mods(&changes).await?;
    assert_eq!(switch.printed_flows("br1")?, switch.printed_flows("br0")?);
    let read = bridge.dump_flows(&FlowFilter::all()).await?;
    assert_eq!(diff(&ours, &read, |_| true), [], "a second run has nothing to do");
    Ok(())
}

#[tokio::test]
async fn a_filter_reads_and_deletes_only_its_cookie_and_table() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    let (bridge, _events) = switch.connect("br0").await?;
    let flow = |table, cookie, port| {
        let matches = Match::new().with(field::IN_PORT, Port(port));
        FlowMod::Add(Flow::new(table, 5).cookie(cookie).matching(matches))
    };
    bridge.apply_bundle(&[flow(0, 0xa1, 1), flow(0, 0xa2, 2), flow(1, 0xb1, 3)]).await?;
    let cookie = CookieFilter { value: 0xa0, mask: 0xf0 };
    let ours = bridge.dump_flows(&FlowFilter::cookie(cookie)).await?;
    assert_eq!(ours.len(), 2);
    assert_eq!(bridge.dump_flows(&FlowFilter::table(1)).await?.len(), 1);
    bridge.apply_bundle(&[FlowMod::Delete(FlowFilter::cookie(cookie))]).await?;
    let left = bridge.dump_flows(&FlowFilter::all()).await?;
    assert_eq!(left.iter().map(|flow| flow.cookie).collect::<Vec<_>>(), [0xb1]);
    Ok(())
}

#[tokio::test]
async fn a_difference_is_repaired_and_foreign_flows_stay() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    let (bridge, _events) = switch.connect("br0").await?;
    let ours = |cookie| cookie == 7;
    let desired: Vec<Flow> = (1..50)
        .map(|port| {
            let matches = Match::new().with(field::IN_PORT, Port(port));
            Flow::new(0, 5).cookie(7).matching(matches).actions([Action::Output(Port(port + 1))])
        })
        .collect();
    bridge.apply_bundle(&diff(&desired, &[], ours)).await?;
    // By hand: one flow gone, one with other actions, one with another cookie, one more of each.
    switch.ofctl(&["del-flows", "--strict", "br0", "priority=5,in_port=1"])?;
    switch.ofctl(&["add-flow", "br0", "cookie=7,priority=5,in_port=2,actions=drop"])?;
    switch.ofctl(&["add-flow", "br0", "cookie=8,priority=5,in_port=3,actions=output:4"])?;
    switch.ofctl(&["add-flow", "br0", "cookie=7,priority=6,in_port=4,actions=drop"])?;
    switch.ofctl(&["add-flow", "br0", "cookie=8,priority=6,in_port=5,actions=drop"])?;
    let found = bridge.dump_flows(&FlowFilter::all()).await?;
    let repair = diff(&desired, &found, ours);
    assert_eq!(repair.len(), 4, "{repair:#?}");
    bridge.apply_bundle(&repair).await?;
    let found = bridge.dump_flows(&FlowFilter::all()).await?;
    assert_eq!(found.len(), desired.len() + 1);
    assert_eq!(diff(&desired, &found, ours), []);
    Ok(())
}

#[tokio::test]
async fn modifications_keep_the_cookie_and_add_nothing() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    let (bridge, _events) = switch.connect("br0").await?;
    let flow: Flow = "cookie=0x7,table=0,priority=5,in_port=1 actions=drop".parse()?;
    bridge.flow_mods(&[FlowMod::Add(flow.clone())]).await?;
    let changed = Flow { cookie: 8, ..flow }.actions([Action::Output(Port::NORMAL)]);
    let absent = Flow { priority: 6, ..changed.clone() };
    bridge.flow_mods(&[FlowMod::ModifyStrict(changed), FlowMod::ModifyStrict(absent)]).await?;
    let found = bridge.dump_flows(&FlowFilter::all()).await?;
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["cookie=0x7,table=0,priority=5,in_port=1 actions=NORMAL"]);
    let strict = FlowMod::DeleteStrict { key: found[0].key(), cookie: CookieFilter::exactly(9) };
    bridge.flow_mods(&[strict]).await?;
    assert_eq!(bridge.dump_flows(&FlowFilter::all()).await?.len(), 1, "of another cookie");
    Ok(())
}

#[tokio::test]
async fn a_learned_flow_is_one_that_we_can_read() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    for port in ["p1", "p2"] {
        let add = ["add-port", "br0", port, "--", "set", "interface", port, "type=internal"];
        switch.run("ovs-vsctl", &add)?;
    }
    let (bridge, _events) = switch.connect("br0").await?;
    let learn: Flow = FLOWS[9].parse()?;
    bridge.apply_bundle(&[FlowMod::Add(learn)]).await?;
    let first = Flow::new(0, 1).actions([Action::resubmit(10)]);
    bridge.apply_bundle(&[FlowMod::Add(first)]).await?;
    bridge
        .packet_out(nucleon_openflow::message::PacketOut {
            in_port: Port(1),
            actions: vec![Action::Output(Port::TABLE)],
            data: crate::events::frame(),
        })
        .await?;
    let mut learned = Vec::new();
    for _ in 0..200 {
        learned = bridge.dump_flows(&FlowFilter::table(20)).await?;
        if !learned.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let [learned] = learned.as_slice() else { panic!("learned: {learned:?}") };
    assert_eq!(
        learned.to_string(),
        "table=20,hard_timeout=300,priority=1,vlan_tci=0x0000/0x0fff,dl_dst=fa:16:3e:00:00:01 \
         actions=set_field:0->vlan_tci,set_field:0->tun_id,set_field:0.0.0.0->tun_dst,output:1"
    );
    assert_ne!(learned.instructions, Instructions::default());
    Ok(())
}
