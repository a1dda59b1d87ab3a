//! OpenFlow 1.5 as Open vSwitch speaks it: typed flows, their bytes and their text, bundles.
