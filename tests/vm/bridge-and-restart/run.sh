# A bridge with the spanning tree on, ten packets over a tagged link, a restart.
# modules: bridge veth 8021q stp
[ "$BOOT" = 1 ] || { lacks br0 ip link; pass; }
ip link add eth0 type veth peer name wire
ip addr add 192.0.2.1/24 dev eth0
ip link set wire up
ip link set eth0 up
converges bridge
has "state forwarding" bridge link show dev eth0
has 192.0.2.1/24 ip addr show dev br0
has 1 cat /sys/class/net/br0/bridge/stp_state
restart
