# Bonds on a real kernel: the one of the third guide (active-backup, miimon 140), which takes a card's address over and goes on
# when a cable is pulled; options that change on a living bond; LACP; what the kernel refuses; away again.
# modules: veth
# The module is not loaded here: lab has it loaded without the bond0 that it makes by itself.
pair() {
  ip link add $1 type veth peer name $1-far
  ip link set $1-far netns switch
  ip -n switch link set $1-far master sw up
}
active() { [ "$(cat /sys/class/net/bond0/bonding/active_slave)" = $1 ]; }
/sbin/modprobe bridge
ip netns add switch
ip -n switch link add sw type bridge
ip -n switch addr add 192.0.2.1/24 dev sw
ip -n switch link set sw up
for card in eth0 eth1 eth2 eth3; do pair $card; done
case $BOOT in
  1)
    ip link set eth0 up
    ip addr add 192.0.2.2/24 dev eth0
    ip route add default via 192.0.2.1
    converges pair
    has "bond mode active-backup" ip -d link show bond0
    has "miimon 140 updelay 280" ip -d link show bond0
    has "primary eth1" ip -d link show bond0
    has 192.0.2.2/24 ip addr show bond0
    lacks 192.0.2.2 ip addr show eth0
    has "default via 192.0.2.1 dev bond0" ip route
    has "eth0 eth1" cat /sys/class/net/bond0/bonding/slaves
    within 20 active eth1
    within 20 ping -c 1 -W 1 -q 192.0.2.1
    ip -n switch link set eth1-far down
    within 20 active eth0
    within 20 ping -c 1 -W 1 -q 192.0.2.1
    ip -n switch link set eth1-far up
    within 20 active eth1

    # On the living bond, with its ports in.
    converges adjusted
    has "miimon 100 updelay 0" ip -d link show bond0
    has "primary eth0" ip -d link show bond0
    within 20 active eth0
    within 20 ping -c 1 -W 1 -q 192.0.2.1
    ip -d link show bond0 >/tmp/before
    if apply other-mode; then fail "a bond with ports changed its mode"; fi
    has "it has ports" cat $RESULTS
    ip -d link show bond0 >/tmp/after
    cmp /tmp/before /tmp/after || fail "something stayed of what was refused: $(diff /tmp/before /tmp/after)"

    converges lacp
    has "bond mode 802.3ad" ip -d link show bond1
    has "lacp_rate fast" ip -d link show bond1
    has "xmit_hash_policy layer3+4" ip -d link show bond1
    has "eth2 eth3" cat /sys/class/net/bond1/bonding/slaves
    has vlan20@bond1 ip link
    converges without
    lacks bond1 ip link
    lacks master ip link show eth2
    restart
    ;;
  2)
    lab-minion net-restore
    has "primary eth0" ip -d link show bond0
    lacks bond1 ip link
    within 20 ping -c 1 -W 1 -q 192.0.2.1
    apply adjusted || fail "apply ended with $APPLIED"
    expect changed 0
    pass
    ;;
esac
