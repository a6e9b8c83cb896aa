# The master is in VLAN 10. A change that puts the host into another VLAN is taken back by the host itself; so is one that puts
# the port of its filtering bridge there. What is right is kept.
# vms: 2
# modules: bridge 8021q
ip link set eth0 up
case $HOST in
  a)
    ip link add link eth0 name vlan10 type vlan id 10
    ip addr add 192.168.110.11/24 dev vlan10
    ip link set vlan10 up
    master b
    within 200 told 1 lab/minion/b/ready
    reachable() { [ "$(lab-master run b test.ping)" = "b: true" ] || fail "$1: the host cannot be reached"; }

    if lab-master apply b other-vlan; then fail "the host is in VLAN 11, and nobody minds"; fi
    within 60 told 1 lab/net/b/rolled-back '"by":"agent"'
    reachable "VLAN 11"
    lab-master apply b bridge || fail "a good change was not kept"
    within 60 told 1 lab/net/b/committed
    reachable "the bridge"
    if lab-master apply b other-pvid; then fail "the port is in VLAN 12 only, and nobody minds"; fi
    within 60 told 2 lab/net/b/rolled-back '"by":"agent"'
    reachable "the port in VLAN 12"
    lacks '"reachable":false' lab-master events --json --tag lab/net/b/rolled-back
    has '"left":[]' lab-master events --json --tag lab/net/b/rolled-back
    [ "$(events lab/minion/b/lost)" = 0 ] || fail "the host was taken for lost"
    lab-master apply b bridge --json >/tmp/second
    lacks '"outcome":"changed"' cat /tmp/second
    lab-master run b cmd.run 'touch /tmp/done' --timeout 20s || true
    pass
    ;;
  b)
    ip link add link eth0 name vlan10 type vlan id 10
    ip addr add 192.168.110.12/24 dev vlan10
    ip link set vlan10 up
    enrol 192.168.110.11 b
    printf '\n[net]\nwithin = "6s"\n' >>/etc/lab/minion.toml
    lab-minion serve >>/var/minion.log 2>&1 &
    within 200 test -e /tmp/done
    has mgmt@br0 ip link
    lacks vlan1 ip link
    has 10 bridge vlan show dev eth0
    lacks 12 bridge vlan show dev eth0
    pass
    ;;
esac
