# A card that no network manager has: lab is its own. The uplink is captured by the default route and its addresses are taken
# over, so that nothing but lab's record knows which card and which address. `lab-net-restore` makes the network at a real
# reboot before there is an agent.
# system: systemd
# cards: 2
# limit: 1200
network_stands() {
  has 192.0.2.10/24 ip addr show br0
  lacks "inet " ip addr show eth0
  has "master br0" ip link show eth0
  has "via 192.0.2.1 dev br0" ip route show default
  has "via 192.168.110.1 dev vlan10" ip route show 10.99.0.0/16
  has "stp_state 1" ip -d link show br0
  has "forward_delay 400" ip -d link show br0
  for id in 10 11 12; do
    has "vlan protocol 802.1Q id $id" ip -d link show vlan$id
    has 192.168.1$id.10/24 ip addr show vlan$id
  done
  has "10 PVID Egress Untagged" bridge vlan show dev port-a
  lacks " 1 " bridge vlan show dev port-a
  has 1 cat /proc/sys/net/ipv4/ip_forward
}
case $BOOT in
  1)
    systemctl disable --now systemd-networkd.socket systemd-networkd.service
    outside 192.0.2.1/24
    ip link set eth0 up
    ip addr add 192.0.2.10/24 dev eth0
    ip route add default via 192.0.2.1
    within 60 ping -c 1 -W 1 -q 192.0.2.1
    install_units
    start_unit lab-master
    join 192.0.2.1
    systemctl enable lab-net-restore
    start_unit lab-minion
    within 120 told 1 "lab/minion/$HOST/ready"
    session >/tmp/before
    settles network
    session >/tmp/after
    cmp /tmp/before /tmp/after || fail "the session is another one: $(cat /tmp/before /tmp/after)"
    network_stands
    has '"renderer": "own"' cat /var/lib/lab-minion/net/owned.json
    restart
    ;;
  2)
    journalctl -u lab-net-restore --no-pager
    [ "$(systemctl is-active systemd-networkd)" = inactive ] || fail "networkd runs"
    [ "$(systemctl is-active lab-minion)" = inactive ] || fail "the agent runs already"
    has Result=success systemctl show -p Result lab-net-restore
    network_stands
    outside 192.0.2.1/24
    within 60 ping -c 1 -W 1 -q 192.0.2.1
    start_unit lab-master lab-minion
    within 120 told 2 "lab/minion/$HOST/ready"
    unchanged network
    pass
    ;;
esac
