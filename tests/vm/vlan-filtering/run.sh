# A bridge that keeps VLANs apart, on a real kernel: who is in which VLAN is what reaches whom. Filtering switched on under a
# living bridge, ports that change their VLANs, the bridge's own VLANs, and all off again.
# modules: bridge veth 8021q
station() {
  ip netns add $1
  ip link add port-$1 type veth peer name eth0 netns $1
  ip -n $1 addr add 192.0.2.$2/24 dev eth0
  ip -n $1 link set eth0 up
}
from() { place=$1; shift; ip netns exec $place ping -c 1 -W 1 -q "$@"; }
cut_off() { if from $1 $2; then fail "$1 reaches $2"; fi; }
case $BOOT in
  1)
    station a 1
    station b 2
    station c 3
    converges open
    within 20 from a 192.0.2.2
    within 20 from a 192.0.2.3

    converges apart
    has "vlan_filtering 1" ip -d link show br0
    has "10 PVID Egress Untagged" bridge vlan show dev port-a
    lacks " 1 " bridge vlan show dev port-a
    has "20" bridge vlan show dev port-b
    within 20 from a 192.0.2.2
    cut_off a 192.0.2.3
    # b speaks tagged to c, whose port takes the tag off.
    ip -n b link add link eth0 name tagged type vlan id 20
    ip -n b addr add 198.51.100.2/24 dev tagged
    ip -n b link set tagged up
    ip -n c addr add 198.51.100.3/24 dev eth0
    within 20 from b 198.51.100.3
    # The bridge itself is in VLAN 20 only.
    within 20 ping -c 1 -W 1 -q 198.51.100.3
    if ping -c 1 -W 1 -q 192.0.2.1; then fail "the host is in VLAN 10"; fi

    converges moved
    has "20 PVID Egress Untagged" bridge vlan show dev port-a
    lacks "10" bridge vlan show dev port-a
    within 20 from a 192.0.2.3
    cut_off a 192.0.2.2
    restart
    ;;
  2)
    station a 1
    station b 2
    station c 3
    lab-minion net-restore
    has "20 PVID Egress Untagged" bridge vlan show dev port-a
    within 20 from a 192.0.2.3
    cut_off a 192.0.2.2
    apply moved || fail "apply ended with $APPLIED"
    expect changed 0
    converges open
    has "vlan_filtering 0" ip -d link show br0
    within 20 from a 192.0.2.2
    converges without
    lacks br0 ip link
    lacks master ip link show port-a
    pass
    ;;
esac
