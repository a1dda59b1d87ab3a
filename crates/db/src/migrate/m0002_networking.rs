//! Networks, segments, subnets, ports, addresses, tags, and agents.

use sea_query::{ForeignKeyAction, Index};

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 2, name: "networking", phase: Phase::Expand, up, down };

/// Longest text of most attributes (Neutron's `NAME_FIELD_SIZE`).
const TEXT: u32 = 255;
/// An address of either family as text.
const ADDRESS: u32 = 64;

fn up(schema: &Schema) -> Vec<Step> {
    let mut steps = Vec::new();
    steps.extend(networks(schema));
    steps.extend(segments(schema));
    steps.extend(subnets(schema));
    steps.extend(ports(schema));
    steps.extend(allocations(schema));
    steps.extend(tags(schema));
    steps.extend(agents(schema));
    steps
}

fn down(schema: &Schema) -> Vec<Step> {
    [
        "network_dhcp_agents",
        "agents",
        "tags",
        "ip_allocations",
        "ports",
        "subnets",
        "segments",
        "networks",
    ]
    .map(|table| Step::Drop(schema.drop_table(table)))
    .to_vec()
}

/// `created_at`, `updated_at`, `revision_number`.
fn standard(schema: &Schema, table: &mut sea_query::TableCreateStatement) {
    table
        .col(schema.number("created_at"))
        .col(schema.number("updated_at"))
        .col(schema.number("revision_number"));
}

fn networks(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("networks");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("project_id", TEXT))
        .col(schema.flag("admin_state_up"))
        .col(schema.flag("shared"))
        .col(schema.number("mtu"))
        .col(schema.flag("external"))
        .col(schema.text("description", TEXT))
        .col(schema.long_text("availability_zone_hints"))
        .col(schema.text("status", 16))
        .col(schema.long_text("tags"));
    standard(schema, &mut table);
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index("networks_project_ix", "networks", &["project_id"])),
    ]
}

fn segments(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("segments");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT).null())
        .col(schema.id("network_id"))
        .col(schema.text("network_type", 32))
        .col(schema.text("physical_network", 64).null())
        .col(schema.number("segmentation_id").null())
        .col(schema.text("description", TEXT))
        .col(schema.number("segment_index"))
        .col(schema.text("reservation", 128).null())
        .foreign_key(&mut schema.reference(
            "segments_network_fk",
            ("segments", "network_id"),
            ("networks", "id"),
            ForeignKeyAction::Restrict,
        ));
    standard(schema, &mut table);
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index("segments_network_ix", "segments", &["network_id"])),
        Step::CreateIndex(schema.unique("segments_reservation_uq", "segments", &["reservation"])),
    ]
}

fn subnets(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("subnets");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("project_id", TEXT))
        .col(schema.id("network_id"))
        .col(schema.number("ip_version"))
        .col(schema.text("cidr", ADDRESS).null())
        .col(schema.id("subnetpool_id").null())
        .col(schema.text("gateway_ip", ADDRESS).null())
        .col(schema.long_text("allocation_pools"))
        .col(schema.flag("enable_dhcp"))
        .col(schema.long_text("dns_nameservers"))
        .col(schema.long_text("host_routes"))
        .col(schema.text("ipv6_ra_mode", 16).null())
        .col(schema.text("ipv6_address_mode", 16).null())
        .col(schema.id("segment_id").null())
        .col(schema.text("description", TEXT))
        .col(schema.long_text("tags"))
        .foreign_key(&mut schema.reference(
            "subnets_network_fk",
            ("subnets", "network_id"),
            ("networks", "id"),
            ForeignKeyAction::Restrict,
        ))
        .foreign_key(&mut schema.reference(
            "subnets_segment_fk",
            ("subnets", "segment_id"),
            ("segments", "id"),
            ForeignKeyAction::Restrict,
        ));
    standard(schema, &mut table);
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index("subnets_network_ix", "subnets", &["network_id"])),
        Step::CreateIndex(schema.index("subnets_project_ix", "subnets", &["project_id"])),
        Step::CreateIndex(schema.index("subnets_segment_ix", "subnets", &["segment_id"])),
    ]
}

fn ports(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("ports");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("project_id", TEXT))
        .col(schema.id("network_id"))
        .col(schema.flag("admin_state_up"))
        .col(schema.text("mac_address", 17))
        .col(schema.long_text("fixed_ips"))
        .col(schema.text("device_id", TEXT))
        .col(schema.text("device_owner", TEXT))
        .col(schema.text("host", TEXT))
        .col(schema.text("vnic_type", 64))
        .col(schema.long_text("profile"))
        .col(schema.long_text("allowed_address_pairs"))
        .col(schema.long_text("extra_dhcp_opts"))
        .col(schema.text("description", TEXT))
        .col(schema.long_text("tags"))
        .col(schema.text("status", 16))
        .col(schema.text("vif_type", 64))
        .col(schema.long_text("vif_details"))
        .col(schema.text("ip_allocation", 16))
        .col(schema.id("segment_id").null())
        .col(schema.flag("awaits_l2"))
        .col(schema.flag("awaits_dhcp"))
        .col(schema.number("view_revision"))
        .col(schema.number("wired_at").null())
        .col(schema.number("dhcp_ready_at").null())
        .col(schema.number("active_at").null())
        .foreign_key(&mut schema.reference(
            "ports_network_fk",
            ("ports", "network_id"),
            ("networks", "id"),
            ForeignKeyAction::Restrict,
        ));
    standard(schema, &mut table);
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.unique(
            "ports_network_mac_uq",
            "ports",
            &["network_id", "mac_address"],
        )),
        Step::CreateIndex(schema.index("ports_project_ix", "ports", &["project_id"])),
        Step::CreateIndex(schema.index("ports_host_ix", "ports", &["host"])),
        Step::CreateIndex(schema.index("ports_device_ix", "ports", &["device_id"])),
    ]
}

fn allocations(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("ip_allocations");
    table
        .col(schema.id("subnet_id"))
        .col(schema.text("ip_key", 32))
        .col(schema.text("ip_address", ADDRESS))
        .col(schema.id("port_id"))
        .primary_key(Index::create().name("ip_allocations_pkey").col("subnet_id").col("ip_key"))
        .foreign_key(&mut schema.reference(
            "ip_allocations_subnet_fk",
            ("ip_allocations", "subnet_id"),
            ("subnets", "id"),
            ForeignKeyAction::Restrict,
        ))
        .foreign_key(&mut schema.reference(
            "ip_allocations_port_fk",
            ("ip_allocations", "port_id"),
            ("ports", "id"),
            ForeignKeyAction::Cascade,
        ));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index("ip_allocations_port_ix", "ip_allocations", &["port_id"])),
        Step::CreateIndex(schema.index(
            "ip_allocations_address_ix",
            "ip_allocations",
            &["ip_address"],
        )),
    ]
}

fn tags(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("tags");
    table
        .col(schema.id("object_id"))
        .col(schema.text("tag", TEXT))
        .primary_key(Index::create().name("tags_pkey").col("object_id").col("tag"));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index("tags_tag_ix", "tags", &["tag", "object_id"])),
    ]
}

fn agents(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("agents");
    table
        .col(schema.id("id").primary_key())
        .col(schema.flag("admin_state_up"))
        .col(schema.text("description", TEXT).null())
        .col(schema.text("agent_type", 64))
        .col(schema.text("availability_zone", TEXT).null())
        .col(schema.text("binary", TEXT))
        .col(schema.long_text("configurations"))
        .col(schema.number("created_at"))
        .col(schema.number("heartbeat_timestamp"))
        .col(schema.text("host", TEXT))
        .col(schema.number("started_at"))
        .col(schema.text("topic", TEXT));
    let mut serving = schema.table("network_dhcp_agents");
    serving
        .col(schema.id("network_id"))
        .col(schema.id("agent_id"))
        .primary_key(
            Index::create().name("network_dhcp_agents_pkey").col("network_id").col("agent_id"),
        )
        .foreign_key(&mut schema.reference(
            "network_dhcp_agents_network_fk",
            ("network_dhcp_agents", "network_id"),
            ("networks", "id"),
            ForeignKeyAction::Cascade,
        ))
        .foreign_key(&mut schema.reference(
            "network_dhcp_agents_agent_fk",
            ("network_dhcp_agents", "agent_id"),
            ("agents", "id"),
            ForeignKeyAction::Cascade,
        ));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.unique("agents_type_host_uq", "agents", &["agent_type", "host"])),
        Step::CreateIndex(schema.index("agents_host_ix", "agents", &["host"])),
        Step::Create(serving),
        Step::CreateIndex(schema.index(
            "network_dhcp_agents_agent_ix",
            "network_dhcp_agents",
            &["agent_id"],
        )),
    ]
}
