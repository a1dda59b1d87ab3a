#!/bin/sh
# Called by dhclient: takes on the lease inside the machine's namespace, then records it.
case $reason in
PREINIT)
    ip link set "$interface" up
    ;;
BOUND | RENEW | REBIND | REBOOT)
    [ -n "$new_interface_mtu" ] && ip link set "$interface" mtu "$new_interface_mtu"
    ip -4 addr replace "$new_ip_address/$new_subnet_mask" dev "$interface"
    if [ -n "$new_classless_routes" ]; then
        # RFC 3442: width of the prefix, its significant octets, router.
        set -- $new_classless_routes
        while [ $# -gt 4 ]; do
            width=$1 prefix= octets=$((($1 + 7) / 8))
            shift
            for place in 1 2 3 4; do
                if [ $place -le $octets ]; then
                    prefix=$prefix.$1
                    shift
                else
                    prefix=$prefix.0
                fi
            done
            router=$1.$2.$3.$4
            shift 4
            if [ "$router" = 0.0.0.0 ]; then
                ip route replace "${prefix#.}/$width" dev "$interface"
            else
                ip route replace "${prefix#.}/$width" via "$router" dev "$interface" onlink
            fi
        done
    else
        for router in $new_routers; do
            ip route replace default via "$router" dev "$interface"
            break
        done
    fi
    ;;
EXPIRE | FAIL | RELEASE | STOP)
    ip -4 addr flush dev "$interface"
    ;;
esac
env >"$LEASE.new" && mv "$LEASE.new" "$LEASE"
