//! The choice of addresses within a subnet: pure, and blind to how many are in use.
