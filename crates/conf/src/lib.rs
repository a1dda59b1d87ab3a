//! Configuration files in oslo.config's form, with Neutron's option names.
