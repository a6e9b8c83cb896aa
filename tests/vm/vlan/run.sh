# The first guide's VLANs on a real kernel: three on a bridge that took the only card over. A neighbour on the cable speaks
# tagged; a VLAN goes by its absent state; what is written down is there after a restart, made by lab itself.
# modules: bridge stp veth 8021q
wired() {
  ip link add eth0 type veth peer name wire
  ip netns add neighbour
  ip link set wire netns neighbour
  ip -n neighbour link set wire up
  for id in 10 11 12; do
    ip -n neighbour link add link wire name vlan$id type vlan id $id
    ip -n neighbour addr add 192.168.1$id.9/24 dev vlan$id
    ip -n neighbour link set vlan$id up
  done
  ip link set eth0 up
}
reaches_the_neighbour() {
  for id in "$@"; do within 20 ping -c 1 -W 1 -q 192.168.1$id.9; done
}
case $BOOT in
  1)
    wired
    ip addr add 192.168.100.2/24 dev eth0
    apply vlans --test || [ "$APPLIED" = 0 ] || fail "a test ended with $APPLIED"
    lacks vlan10 ip link
    converges vlans
    for id in 10 11 12; do
      has "vlan protocol 802.1Q id $id" ip -d link show vlan$id
      has vlan$id@br0 ip link show vlan$id
      has 192.168.1$id.2/24 ip addr show vlan$id
    done
    has "mtu 1400" ip link show vlan12
    has 192.168.100.2/24 ip addr show br0
    reaches_the_neighbour 10 11 12

    # What the kernel or the plan refuses leaves everything as it was.
    ip -4 addr >/tmp/before
    if apply other-id; then fail "a VLAN got another id"; fi
    has "is VLAN 10 of br0 already" cat $RESULTS
    if apply twin; then fail "VLAN 10 stands twice on br0"; fi
    has "the kernel would refuse it: it exists already" cat $RESULTS
    if apply on-port; then fail "a VLAN stands on a port"; fi
    has "link: br0" cat $RESULTS
    ip -4 addr >/tmp/after
    cmp /tmp/before /tmp/after || fail "something stayed of what was refused: $(diff /tmp/before /tmp/after)"

    converges without
    lacks vlan11 ip link
    reaches_the_neighbour 10 12
    restart
    ;;
  2)
    wired
    lacks br0 ip link
    lab-minion net-restore
    has vlan12@br0 ip link
    lacks vlan11 ip link
    reaches_the_neighbour 10 12
    apply kept || fail "apply ended with $APPLIED"
    expect changed 0
    pass
    ;;
esac
