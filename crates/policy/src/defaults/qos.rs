//! QoS policies and their rules.

use super::words::{
    ADMIN, ADMIN_OR_MANAGER, ADMIN_OR_PARENT_MANAGER, ADMIN_OR_PARENT_READER, ANYBODY, READER,
};
use crate::declared::{Declared, delete, get, post, put};

const READ_CHECK: &str =
    "(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_qos_policy";

pub(super) const RULES: &[Declared] = &[
    Declared::shared("shared_qos_policy", "field:policies:shared=True"),
    Declared::api("get_policy", READ_CHECK, &[get("/qos/policies"), get("/qos/policies/{id}")])
        .formerly(ANYBODY, "W"),
    Declared::api(
        "get_policy:tags",
        READ_CHECK,
        &[get("/qos/policies/{id}/tags"), get("/qos/policies/{id}/tags/{tag_id}")],
    )
    .renamed("get_policies_tags", "2025.1"),
    Declared::api("create_policy", ADMIN_OR_MANAGER, &[post("/qos/policies")]).formerly(ADMIN, "W"),
    Declared::api("create_policy:tags", ADMIN_OR_MANAGER, &[post("/qos/policies/{id}/tags")])
        .renamed("create_policies_tags", "2025.1"),
    Declared::api("update_policy", ADMIN_OR_MANAGER, &[put("/qos/policies/{id}")])
        .formerly(ADMIN, "W"),
    Declared::api(
        "update_policy:tags",
        ADMIN_OR_MANAGER,
        &[put("/qos/policies/{id}/tags"), put("/qos/policies/{id}/tags/{tag_id}")],
    )
    .renamed("update_policies_tags", "2025.1"),
    Declared::api("delete_policy", ADMIN_OR_MANAGER, &[delete("/qos/policies/{id}")])
        .formerly(ADMIN, "W"),
    Declared::api(
        "delete_policy:tags",
        ADMIN_OR_MANAGER,
        &[delete("/qos/policies/{id}/tags"), delete("/qos/policies/{id}/tags/{tag_id}")],
    )
    .renamed("delete_policies_tags", "2025.1"),
    Declared::api(
        "get_rule_type",
        READER,
        &[get("/qos/rule-types"), get("/qos/rule-types/{rule_type}")],
    )
    .formerly(ANYBODY, "W"),
    Declared::api(
        "get_policy_bandwidth_limit_rule",
        ADMIN_OR_PARENT_READER,
        &[
            get("/qos/policies/{policy_id}/bandwidth_limit_rules"),
            get("/qos/policies/{policy_id}/bandwidth_limit_rules/{rule_id}"),
        ],
    )
    .formerly(ANYBODY, "W"),
    Declared::api(
        "create_policy_bandwidth_limit_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[post("/qos/policies/{policy_id}/bandwidth_limit_rules")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "update_policy_bandwidth_limit_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[put("/qos/policies/{policy_id}/bandwidth_limit_rules/{rule_id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "delete_policy_bandwidth_limit_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[delete("/qos/policies/{policy_id}/bandwidth_limit_rules/{rule_id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "get_policy_packet_rate_limit_rule",
        ADMIN_OR_PARENT_READER,
        &[
            get("/qos/policies/{policy_id}/packet_rate_limit_rules"),
            get("/qos/policies/{policy_id}/packet_rate_limit_rules/{rule_id}"),
        ],
    ),
    Declared::api(
        "create_policy_packet_rate_limit_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[post("/qos/policies/{policy_id}/packet_rate_limit_rules")],
    ),
    Declared::api(
        "update_policy_packet_rate_limit_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[put("/qos/policies/{policy_id}/packet_rate_limit_rules/{rule_id}")],
    ),
    Declared::api(
        "delete_policy_packet_rate_limit_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[delete("/qos/policies/{policy_id}/packet_rate_limit_rules/{rule_id}")],
    ),
    Declared::api(
        "get_policy_dscp_marking_rule",
        ADMIN_OR_PARENT_READER,
        &[
            get("/qos/policies/{policy_id}/dscp_marking_rules"),
            get("/qos/policies/{policy_id}/dscp_marking_rules/{rule_id}"),
        ],
    )
    .formerly(ANYBODY, "W"),
    Declared::api(
        "create_policy_dscp_marking_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[post("/qos/policies/{policy_id}/dscp_marking_rules")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "update_policy_dscp_marking_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[put("/qos/policies/{policy_id}/dscp_marking_rules/{rule_id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "delete_policy_dscp_marking_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[delete("/qos/policies/{policy_id}/dscp_marking_rules/{rule_id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "get_policy_minimum_bandwidth_rule",
        ADMIN_OR_PARENT_READER,
        &[
            get("/qos/policies/{policy_id}/minimum_bandwidth_rules"),
            get("/qos/policies/{policy_id}/minimum_bandwidth_rules/{rule_id}"),
        ],
    )
    .formerly(ANYBODY, "W"),
    Declared::api(
        "create_policy_minimum_bandwidth_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[post("/qos/policies/{policy_id}/minimum_bandwidth_rules")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "update_policy_minimum_bandwidth_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[put("/qos/policies/{policy_id}/minimum_bandwidth_rules/{rule_id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "delete_policy_minimum_bandwidth_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[delete("/qos/policies/{policy_id}/minimum_bandwidth_rules/{rule_id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "get_policy_minimum_packet_rate_rule",
        ADMIN_OR_PARENT_READER,
        &[
            get("/qos/policies/{policy_id}/minimum_packet_rate_rules"),
            get("/qos/policies/{policy_id}/minimum_packet_rate_rules/{rule_id}"),
        ],
    ),
    Declared::api(
        "create_policy_minimum_packet_rate_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[post("/qos/policies/{policy_id}/minimum_packet_rate_rules")],
    ),
    Declared::api(
        "update_policy_minimum_packet_rate_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[put("/qos/policies/{policy_id}/minimum_packet_rate_rules/{rule_id}")],
    ),
    Declared::api(
        "delete_policy_minimum_packet_rate_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[delete("/qos/policies/{policy_id}/minimum_packet_rate_rules/{rule_id}")],
    ),
    Declared::api(
        "get_alias_bandwidth_limit_rule",
        ADMIN_OR_PARENT_READER,
        &[get("/qos/alias_bandwidth_limit_rules/{rule_id}/")],
    )
    .formerly(ANYBODY, "W"),
    Declared::api(
        "update_alias_bandwidth_limit_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[put("/qos/alias_bandwidth_limit_rules/{rule_id}/")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "delete_alias_bandwidth_limit_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[delete("/qos/alias_bandwidth_limit_rules/{rule_id}/")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "get_alias_dscp_marking_rule",
        ADMIN_OR_PARENT_READER,
        &[get("/qos/alias_dscp_marking_rules/{rule_id}/")],
    )
    .formerly(ANYBODY, "W"),
    Declared::api(
        "update_alias_dscp_marking_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[put("/qos/alias_dscp_marking_rules/{rule_id}/")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "delete_alias_dscp_marking_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[delete("/qos/alias_dscp_marking_rules/{rule_id}/")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "get_alias_minimum_bandwidth_rule",
        ADMIN_OR_PARENT_READER,
        &[get("/qos/alias_minimum_bandwidth_rules/{rule_id}/")],
    )
    .formerly(ANYBODY, "W"),
    Declared::api(
        "update_alias_minimum_bandwidth_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[put("/qos/alias_minimum_bandwidth_rules/{rule_id}/")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "delete_alias_minimum_bandwidth_rule",
        ADMIN_OR_PARENT_MANAGER,
        &[delete("/qos/alias_minimum_bandwidth_rules/{rule_id}/")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "get_alias_minimum_packet_rate_rule",
        "rule:get_policy_minimum_packet_rate_rule",
        &[get("/qos/alias_minimum_packet_rate_rules/{rule_id}/")],
    ),
    Declared::api(
        "update_alias_minimum_packet_rate_rule",
        "rule:update_policy_minimum_packet_rate_rule",
        &[put("/qos/alias_minimum_packet_rate_rules/{rule_id}/")],
    ),
    Declared::api(
        "delete_alias_minimum_packet_rate_rule",
        "rule:delete_policy_minimum_packet_rate_rule",
        &[delete("/qos/alias_minimum_packet_rate_rules/{rule_id}/")],
    ),
];
