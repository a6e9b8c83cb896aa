# A card that no network manager has: lab is its own. The uplink is captured by the default route and its addresses are taken
# over, so that nothing but lab's record knows which card and which address. `lab-net-restore` makes the network at a real
# reboot before there is an agent.
# system: systemd
# cards: 2
# limit: 1200
network_stands() {
  guide_stands
  has "via 192.168.110.1 dev vlan10" ip route show 10.99.0.0/16
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
    lab_begins
    in_one_session settles network
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
