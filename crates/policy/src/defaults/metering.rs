//! Metering labels and their rules.

use super::words::{ADMIN, ADMIN_OR_MANAGER, ADMIN_OR_READER};
use crate::declared::{Declared, delete, get, post};

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_metering_label", ADMIN_OR_MANAGER, &[post("/metering/metering-labels")])
        .formerly(ADMIN, "W"),
    Declared::api(
        "get_metering_label",
        ADMIN_OR_READER,
        &[get("/metering/metering-labels"), get("/metering/metering-labels/{id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "delete_metering_label",
        ADMIN_OR_MANAGER,
        &[delete("/metering/metering-labels/{id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "create_metering_label_rule",
        ADMIN_OR_MANAGER,
        &[post("/metering/metering-label-rules")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "get_metering_label_rule",
        ADMIN_OR_READER,
        &[get("/metering/metering-label-rules"), get("/metering/metering-label-rules/{id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "delete_metering_label_rule",
        ADMIN_OR_MANAGER,
        &[delete("/metering/metering-label-rules/{id}")],
    )
    .formerly(ADMIN, "W"),
];
