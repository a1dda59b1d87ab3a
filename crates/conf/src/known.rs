//! Names: of our options, of Neutron's that are not used yet, and of nobody's.

use std::collections::{BTreeMap, BTreeSet};

use crate::nearest::nearest;
use crate::settings::specs;

/// Which names mean something, by group.
#[derive(Debug)]
pub(crate) struct Known {
    used: BTreeMap<&'static str, BTreeSet<&'static str>>,
    accepted: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

impl Known {
    pub(crate) fn new() -> Self {
        let mut used: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for spec in specs() {
            used.entry(spec.group).or_default().insert(spec.name);
            for (group, name) in spec.former_names() {
                used.entry(group).or_default().insert(name);
            }
        }
        let accepted = ACCEPTED
            .iter()
            .map(|(group, names)| (*group, names.split_ascii_whitespace().collect()))
            .collect();
        Self { used, accepted }
    }

    /// What is to be said of a group's name, if anything.
    pub(crate) fn judge_group(&self, group: &str) -> Option<String> {
        if self.used.contains_key(group) || self.accepted.contains_key(group) {
            return None;
        }
        if accepted_groups().any(|known| known == group) {
            return Some(format!("group [{group}] is accepted, but not used yet"));
        }
        let all = self.used.keys().chain(self.accepted.keys()).copied().chain(accepted_groups());
        Some(match nearest(group, all) {
            Some(near) => format!("group [{group}] is unknown; did you mean [{near}]?"),
            None => format!("group [{group}] is unknown"),
        })
    }

    /// What is to be said of an option's name, if anything; nothing where the group's name said it
    /// all.
    pub(crate) fn judge_option(&self, group: &str, name: &str) -> Option<String> {
        let used = self.used.get(group);
        let accepted = self.accepted.get(group);
        if used.is_some_and(|names| names.contains(name)) || (used, accepted) == (None, None) {
            return None;
        }
        if accepted.is_some_and(|names| names.contains(name)) {
            return Some(format!("[{group}] {name} is accepted, but not used yet"));
        }
        let unknown = format!("[{group}] {name} is unknown");
        let here = used.into_iter().chain(accepted).flatten().copied();
        if let Some(near) = nearest(name, here) {
            return Some(format!("{unknown}; did you mean {near}?"));
        }
        let elsewhere =
            self.used.iter().chain(&self.accepted).find(|(_, names)| names.contains(name));
        Some(match elsewhere {
            Some((other, _)) => format!("{unknown}; it belongs to [{other}]"),
            None => unknown,
        })
    }
}

/// Groups of libraries and services that nothing here uses yet: one line is said for each, none for
/// their options.
const ACCEPTED_GROUPS: &str = "\
    cinder designate experimental experimental_features healthcheck ironic \
    metadata_rate_limiting nova oslo_concurrency oslo_limit \
    oslo_messaging_amqp oslo_messaging_kafka oslo_messaging_metrics \
    oslo_messaging_notifications oslo_messaging_rabbit \
    oslo_reports oslo_versionedobjects pecan placement privsep privsep_conntrack \
    privsep_dhcp_release privsep_link privsep_namespace privsep_ovs_vsctl profiler \
    profiler_jaeger profiler_otlp service_auth service_providers";

/// Options of Neutron 29 that do nothing here yet, by group.
const ACCEPTED: &[(&str, &str)] = &[
    (
        "DEFAULT",
        "advertise_mtu agent_mode allow_pagination \
         allow_sorting api_extensions_path api_paste_config \
         api_workers backdoor_port backlog bulk_reload_interval check_child_processes \
         cleanup_on_shutdown client_socket_timeout conn_pool_min_size conn_pool_ttl \
         control_exchange default_availability_zones default_log_levels \
         dhcp_agent_notification dhcp_agents_scheduler dhcp_confs dhcp_domain dhcp_lease_max \
         dhcp_load_type dnsmasq_base_log_dir dnsmasq_config_file dnsmasq_enable_addr6_list \
         dnsmasq_lease_max dnsmasq_local_resolv dvr_base_mac enable_default_route_bfd \
         enable_default_route_ecmp enable_dvr enable_ha_conntrackd enable_metadata_network \
         enable_metadata_proxy enable_new_agents enable_signals \
         enable_traditional_dhcp executor_thread_pool_size external_dns_driver \
         external_ingress_mark fatal_deprecations graceful_shutdown_timeout ha_confs_path \
         ha_conntrackd_enabled ha_keepalived_state_change_server_threads ha_vrrp_advert_int \
         ha_vrrp_auth_password ha_vrrp_auth_type ha_vrrp_health_check_interval \
         handle_internal_only_routers host_dvr_for_dhcp http_retries instance_format \
         instance_uuid_format interface_name ipam_driver ipv6_pd_enabled \
         keepalived_use_no_track l3_ha_net_cidr l3_ha_network_physical_name \
         l3_ha_network_type lock_path log_config_append log_date_format log_options log_rotate \
         log_rotate_interval log_rotate_interval_type log_rotation_type \
         logging_context_format_string logging_debug_format_suffix \
         logging_default_format_string logging_exception_prefix logging_user_identity_format \
         max_allowed_address_pairs max_header_line max_logfile_count \
         max_logfile_size max_routes max_rtr_adv_interval measure_interval \
         metadata_access_mark metadata_backlog metadata_port metadata_proxy_group \
         metadata_proxy_shared_secret metadata_proxy_socket metadata_proxy_socket_mode \
         metadata_proxy_user metadata_workers metering_driver min_rtr_adv_interval \
         network_scheduler_driver notify_nova_on_port_data_changes \
         notify_nova_on_port_status_changes nova_client_cert nova_client_priv_key \
         nova_metadata_host nova_metadata_insecure nova_metadata_port nova_metadata_protocol \
         num_sync_threads pd_confs pd_dhcp_driver periodic_fuzzy_delay periodic_interval \
         policy_file prefix_delegation_driver publish_errors pydev_worker_debug_host \
         quota_engine radvd_user rate_limit_burst rate_limit_except_level rate_limit_interval \
         resync_throttle retry_until_window \
         router_scheduler_driver rpc_conn_pool_size rpc_ping_enabled \
         rpc_resources_processing_step rpc_response_max_timeout rpc_response_timeout \
         rpc_state_report_workers rpc_worker_processes rpc_workers run_external_periodic_tasks \
         send_arp_for_ha send_events_interval setproctitle syslog_log_facility tcp_keepidle \
         test_dns_integration tls_enabled use_eventlog use_journal use_stderr \
         use_syslog vendor_pen vlan_qinq vlan_transparent vrrp_confs watch_log_file \
         wsgi_default_pool_size wsgi_keep_alive wsgi_log_format wsgi_server_debug",
    ),
    (
        "database",
        "backend connection_debug connection_parameters connection_recycle_time \
         connection_trace db_inc_retry_interval db_max_retries db_max_retry_interval \
         db_retry_interval engine idle_timeout max_retries mysql_enable_ndb mysql_sql_mode \
         mysql_wsrep_sync_wait pool_timeout retry_interval slave_connection sqlite_synchronous \
         synchronous_reader use_db_reconnect use_tpool",
    ),
    (
        "agent",
        "agent_type arp_responder baremetal_smartnic check_child_processes_action \
         check_child_processes_interval comment_iptables_rules debug_iptables_rules \
         dont_fragment drop_flows_on_start dscp dscp_inherit enable_distributed_routing \
         explicitly_egress_direct kill_scripts_path l2_population log_agent_heartbeats \
         minimize_polling openflow_processed_per_port ovsdb_monitor_respawn_interval \
         polling_interval prevent_arp_spoofing quitting_rpc_timeout root_helper \
         root_helper_daemon tunnel_csum tunnel_types use_helper_for_ns_read use_random_fully \
         veth_mtu vxlan_udp_port",
    ),
    ("ml2", "external_network_type tunnelled_network_rp_name"),
    ("ml2_type_vxlan", "vxlan_group"),
    (
        "ovs",
        "bridge_mac_table_size disable_packet_marking igmp_flood igmp_flood_reports \
         igmp_flood_unregistered igmp_snooping_enable int_peer_patch_port local_ip \
         of_connect_timeout of_inactivity_probe of_interface of_listen_address of_listen_port \
         openflow_processed_per_port ovsdb_debug ovsdb_interface qos_meter_bandwidth \
         resource_provider_bandwidths resource_provider_default_hypervisor \
         resource_provider_hypervisors resource_provider_inventory_defaults \
         resource_provider_packet_processing_inventory_defaults \
         resource_provider_packet_processing_with_direction \
         resource_provider_packet_processing_without_direction ssl_ca_cert_file ssl_cert_file \
         ssl_key_file tun_peer_patch_port use_veth_interconnection vhostuser_socket_dir",
    ),
    ("ovs_driver", "vnic_type_blacklist vnic_type_prohibit_list"),
    ("sriov_driver", "vnic_type_blacklist vnic_type_prohibit_list"),
    ("sriov_nic", "exclude_devices physical_device_mappings resource_provider_bandwidths"),
    ("macvtap", "physical_interface_mappings"),
    ("linux_bridge", "bridge_mappings physical_interface_mappings"),
    ("vxlan", "enable_vxlan l2_population local_ip"),
    ("securitygroup", "enable_ipset enable_security_group firewall_driver permitted_ethertypes"),
    ("network_log", "burst_limit local_output_log_base rate_limit"),
    ("dhcp", "enable_ipv6"),
    (
        "quotas",
        "quota_address_group quota_address_scope quota_driver quota_firewall_group \
         quota_firewall_policy quota_firewall_rule quota_items quota_subnetpool quota_trunk \
         track_quota_usage",
    ),
    (
        "ovn",
        "allow_stateless_action_supported broadcast_arps_to_all_routers \
         dhcp_default_lease_time disable_ovn_dhcp_for_baremetal_ports dns_records_ovn_owned \
         dns_servers enable_distributed_floating_ip fdb_age_threshold fdb_removal_limit \
         live_migration_activation_strategy localnet_learn_fdb mac_binding_age_threshold \
         mac_binding_removal_limit neutron_sync_mode ovn_dhcp4_global_options \
         ovn_dhcp6_global_options ovn_emit_need_to_frag ovn_l3_mode ovn_l3_scheduler \
         ovn_metadata_enabled ovn_nb_ca_cert ovn_nb_certificate ovn_nb_connection \
         ovn_nb_private_key ovn_router_indirect_snat ovn_sb_ca_cert ovn_sb_certificate \
         ovn_sb_connection ovn_sb_private_key ovsdb_connection_timeout ovsdb_log_level \
         ovsdb_probe_interval ovsdb_retry_max_interval stateless_nat_enabled vhost_sock_dir \
         vhost_socket_dir vif_type",
    ),
    (
        "oslo_policy",
        "remote_content_type remote_ssl_ca_crt_file remote_ssl_client_crt_file \
         remote_ssl_client_key_file remote_ssl_verify_server_crt remote_timeout",
    ),
    ("baremetal", "enabled"),
    ("cache", "backend enabled expiration_time memcache_servers"),
    ("fdb", "shared_physical_device_mappings"),
    (
        "keystone_authtoken",
        "application_credential_name auth_section auth_version cache collect_timing domain_id \
         domain_name enforce_token_bind memcache_password memcache_pool_conn_get_timeout \
         memcache_pool_dead_retry memcache_pool_maxsize memcache_pool_socket_timeout \
         memcache_pool_unused_timeout memcache_sasl_enabled memcache_secret_key \
         memcache_security_strategy memcache_servers memcache_tls_allowed_ciphers \
         memcache_tls_cafile memcache_tls_certfile memcache_tls_enabled memcache_tls_keyfile \
         memcache_use_advanced_pool memcache_username memcached_servers split_loggers timeout \
         trust_id",
    ),
];

fn accepted_groups() -> impl Iterator<Item = &'static str> {
    ACCEPTED_GROUPS.split_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(group: &str, name: &str) -> Option<String> {
        Known::new().judge_option(group, name)
    }

    #[test]
    fn our_options_and_their_former_names_are_known() {
        for (group, name) in [
            ("DEFAULT", "bind_port"),
            ("ml2", "tenant_network_types"),
            ("DEFAULT", "report_interval"),
            ("hub", "listen"),
        ] {
            assert_eq!(option(group, name), None, "{name}");
        }
    }

    #[test]
    fn neutron_s_other_options_are_told_from_typing_errors() {
        assert_eq!(
            option("DEFAULT", "rpc_workers").as_deref(),
            Some("[DEFAULT] rpc_workers is accepted, but not used yet")
        );
        assert_eq!(
            option("DEFAULT", "bind_prot").as_deref(),
            Some("[DEFAULT] bind_prot is unknown; did you mean bind_port?")
        );
        assert_eq!(
            option("DEFAULT", "bridge_mappings").as_deref(),
            Some("[DEFAULT] bridge_mappings is unknown; it belongs to [ovs]")
        );
        assert_eq!(option("ml2", "colour").as_deref(), Some("[ml2] colour is unknown"));
    }

    #[test]
    fn groups_are_judged_once_and_not_by_their_options() {
        let known = Known::new();
        assert_eq!(known.judge_group("ml2"), None);
        assert_eq!(known.judge_group("ovn"), None);
        assert_eq!(
            known.judge_group("placement").as_deref(),
            Some("group [placement] is accepted, but not used yet")
        );
        assert_eq!(
            known.judge_group("ml2_type_vlam").as_deref(),
            Some("group [ml2_type_vlam] is unknown; did you mean [ml2_type_vlan]?")
        );
        assert_eq!(known.judge_group("garden").as_deref(), Some("group [garden] is unknown"));
        assert_eq!(option("placement", "password"), None);
        assert_eq!(option("garden", "tree"), None);
    }

    #[test]
    fn no_name_is_both_used_and_not_used() {
        let known = Known::new();
        for (group, names) in &known.accepted {
            let used = known.used.get(group).cloned().unwrap_or_default();
            let both: Vec<_> = names.intersection(&used).collect();
            assert!(both.is_empty(), "[{group}] {both:?}");
        }
    }
}
