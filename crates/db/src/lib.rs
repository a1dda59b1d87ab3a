//! The store: one code base over SQLite, MariaDB and PostgreSQL, and the journal of every committed change.
