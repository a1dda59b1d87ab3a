//! Segments.

use super::words::ADMIN;
use crate::declared::{Declared, delete, get, post, put};

pub(super) const RULES: &[Declared] = &[
    Declared::api("create_segment", ADMIN, &[post("/segments")]).formerly(ADMIN, "W"),
    Declared::api("create_segments_tags", ADMIN, &[post("/segments/{id}/tags")]),
    Declared::api("get_segment", ADMIN, &[get("/segments"), get("/segments/{id}")])
        .formerly(ADMIN, "W"),
    Declared::api(
        "get_segments_tags",
        ADMIN,
        &[get("/segments/{id}/tags"), get("/segments/{id}/tags/{tag_id}")],
    ),
    Declared::api("update_segment", ADMIN, &[put("/segments/{id}")]).formerly(ADMIN, "W"),
    Declared::api(
        "update_segments_tags",
        ADMIN,
        &[put("/segments/{id}/tags"), put("/segments/{id}/tags/{tag_id}")],
    ),
    Declared::api("delete_segment", ADMIN, &[delete("/segments/{id}")]).formerly(ADMIN, "W"),
    Declared::api(
        "delete_segments_tags",
        ADMIN,
        &[delete("/segments/{id}/tags"), delete("/segments/{id}/tags/{tag_id}")],
    ),
];
