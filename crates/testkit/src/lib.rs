//! Private database servers and scratch directories for tests.
