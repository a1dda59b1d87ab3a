#!/bin/sh
# Called by udhcpc: takes on the lease inside the machine's namespace, then records it.
case $1 in
deconfig)
    ip -4 addr flush dev "$interface"
    ip link set "$interface" up
    ;;
bound | renew)
    [ -n "$mtu" ] && ip link set "$interface" mtu "$mtu"
    ip -4 addr replace "$ip/$mask" dev "$interface"
    if [ -n "$staticroutes" ]; then
        # RFC 3442: with classless routes the routers of option 3 are ignored.
        set -- "$1" $staticroutes
        event=$1
        shift
        while [ $# -gt 1 ]; do
            if [ "$2" = 0.0.0.0 ]; then
                ip route replace "$1" dev "$interface"
            else
                ip route replace "$1" via "$2" dev "$interface" onlink
            fi
            shift 2
        done
        set -- "$event"
    else
        for router in $router; do
            ip route replace default via "$router" dev "$interface"
            break
        done
    fi
    ;;
esac
{ env; echo "event=$1"; } >"$LEASE.new" && mv "$LEASE.new" "$LEASE"
