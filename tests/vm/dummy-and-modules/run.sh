# Modules and parameters of a real kernel, as states of their own and as a part of a network document; dummies. The module
# makes no dummy0 that nobody asked for, br_netfilter's parameters are set after it is loaded.
value() { cat /proc/sys/$1 2>/dev/null || echo none; }
# What the module's options make of a new bond: the kernel does not show them.
queues() {
  ip link add probe type bond
  ip -d link show probe
  ip link del probe
}
case $BOOT in
  1)
    lacks dummy lsmod
    lacks br_netfilter lsmod
    has none value net/bridge/bridge-nf-call-iptables
    converges document
    lacks dummy0 ip link
    has "mtu 9000" ip link show dummy7
    has 192.0.2.7/32 ip addr show dummy7
    has br_netfilter lsmod
    has 0 value net/bridge/bridge-nf-call-iptables
    has 1 value net/ipv4/conf/dummy7/proxy_arp
    has 1 value net/ipv4/ip_forward

    converges states
    has "numtxqueues 7" queues
    lacks bond0 ip link
    has "options bonding max_bonds=0 tx_queues=7" cat /etc/modprobe.d/lab.conf
    has bonding cat /etc/modules-load.d/lab.conf
    has 1 value net/bridge/bridge-nf-call-ip6tables
    has "net.bridge.bridge-nf-call-ip6tables = 1" cat /etc/sysctl.d/99-zz-lab.conf
    has "4096	131072	6291456" value net/ipv4/tcp_rmem
    if apply wrong; then fail "a parameter that is not there was set"; fi

    converges without
    lacks bonding lsmod
    lacks dummy7 ip link
    lacks tx_queues cat /etc/sysctl.d/99-zz-lab.conf
    lacks ip6tables cat /etc/sysctl.d/99-zz-lab.conf
    restart
    ;;
  2)
    # The options are those of the next time that it is loaded, by whomever.
    /sbin/modprobe bonding
    has "numtxqueues 7" queues
    pass
    ;;
esac
