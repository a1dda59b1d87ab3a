//! A DHCP responder as a pure function of request and configuration.
