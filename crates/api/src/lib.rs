//! The REST API: requests parsed by the declarations, answers rendered from records.
