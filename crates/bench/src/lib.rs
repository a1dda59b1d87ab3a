//! Measurements: programs with a table at their end.
