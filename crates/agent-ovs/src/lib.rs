//! The plugin agent of a compute node: desired ports to Open vSwitch.
