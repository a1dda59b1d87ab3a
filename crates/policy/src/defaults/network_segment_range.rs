//! Ranges of segment ids.

use super::words::ADMIN;
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_network_segment_range", ADMIN, &[post("/network_segment_ranges")])
        .formerly(ADMIN, "W"),
    Declared::api(
        "create_network_segment_range:tags",
        ADMIN,
        &[post("/network_segment_ranges/{id}/tags")],
    )
    .renamed("create_network_segment_ranges_tags", "2025.1"),
    Declared::api(
        "get_network_segment_range",
        ADMIN,
        &[get("/network_segment_ranges"), get("/network_segment_ranges/{id}")],
    )
    .formerly(ADMIN, "W"),
    Declared::api(
        "get_network_segment_range:tags",
        ADMIN,
        &[
            get("/network_segment_ranges/{id}/tags"),
            get("/network_segment_ranges/{id}/tags/{tag_id}"),
        ],
    )
    .renamed("get_network_segment_ranges_tags", "2025.1"),
    Declared::api("update_network_segment_range", ADMIN, &[put("/network_segment_ranges/{id}")])
        .formerly(ADMIN, "W"),
    Declared::api(
        "update_network_segment_range:tags",
        ADMIN,
        &[
            put("/network_segment_ranges/{id}/tags"),
            put("/network_segment_ranges/{id}/tags/{tag_id}"),
        ],
    )
    .renamed("update_network_segment_ranges_tags", "2025.1"),
    Declared::api("delete_network_segment_range", ADMIN, &[delete("/network_segment_ranges/{id}")])
        .formerly(ADMIN, "W"),
    Declared::api(
        "delete_network_segment_range:tags",
        ADMIN,
        &[
            delete("/network_segment_ranges/{id}/tags"),
            delete("/network_segment_ranges/{id}/tags/{tag_id}"),
        ],
    )
    .renamed("delete_network_segment_ranges_tags", "2025.1"),
];
