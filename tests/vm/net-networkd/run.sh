# The first guide's network, name servers and a bridge that keeps VLANs apart, on a machine that has files of
# systemd-networkd's and systemd-resolved. A real reboot makes the same before there is an agent; `net rollback` takes all of
# it back to the files as they were, which another reboot shows.
# system: systemd
# cards: 2
# limit: 1200
DIR=/etc/systemd/network
card_is_plain() {
  has 192.0.2.10/24 ip addr show eth0
  has "via 192.0.2.1 dev eth0" ip route show default
  for link in br0 br1 vlan1 port- end-; do lacks $link ip link; done
  lacks 192.0.2.53 resolvectl dns
}
network_stands() {
  guide_stands
  has "vlan_filtering 1" ip -d link show br1
  is_in port-a "10 PVID Egress Untagged" 20 30
  is_in port-b "20 PVID Egress Untagged"
  is_in br1 20
  has 192.0.2.53 resolvectl dns
  has lab.example resolvectl domain
}
# The VLANs of a link, in the kernel's order, and no other.
is_in() {
  link=$1; shift
  bridge vlan show dev $link | sed -n "2,\$p" | sed "s/^$link//; s/^[[:space:]]*//; s/[[:space:]]*$//" | grep . >/tmp/vlans.have || true
  printf '%s\n' "$@" >/tmp/vlans.want
  cmp -s /tmp/vlans.have /tmp/vlans.want || fail "$link is in VLANs $(cat /tmp/vlans.have), not $(cat /tmp/vlans.want)"
}
files() { (cd $DIR && for f in *; do echo "== $f"; cat "$f"; done); }
case $BOOT in
  1)
    cat >$DIR/20-uplink.network <<'INI'
# What the administrator wrote.
[Match]
Name=eth0

[Link]
RequiredForOnline=routable

[Network]
Address=192.0.2.10/24
Gateway=192.0.2.1
LLDP=no
DNS=192.0.2.1
INI
    files >/root/files.before
    outside 192.0.2.1/24
    networkctl reload
    lab_begins
    card_is_plain

    in_one_session settles network
    network_stands
    has LLDP=no cat $DIR/05-lab-eth0.network
    lacks routable cat $DIR/05-lab-eth0.network
    cmp $DIR/20-uplink.network - <<INI || fail "the administrator's file is another one"
$(sed -n '/^== 20-uplink/,$p' /root/files.before | tail -n +2)
INI
    for link in eth0 br0 br1 vlan10; do has "/05-lab-$link.network" networkctl status --no-pager $link; done
    restart
    ;;
  2)
    [ "$(systemctl is-active lab-minion)" = inactive ] || fail "the agent runs already"
    outside 192.0.2.1/24
    within 60 ping -c 1 -W 1 -q 192.0.2.1
    for link in br0 vlan10 vlan11 vlan12; do within 60 configured $link; done
    network_stands
    start_unit lab-master lab-minion
    within 120 told 2 "lab/minion/$HOST/ready"
    unchanged network

    lab-master net rollback "$HOST" || fail "net rollback"
    card_is_plain
    files >/root/files.after
    cmp /root/files.before /root/files.after || fail "the files are other ones: $(cat /root/files.after)"
    restart
    ;;
  3)
    outside 192.0.2.1/24
    within 60 ping -c 1 -W 1 -q 192.0.2.1
    within 60 configured eth0
    card_is_plain
    start_unit lab-master lab-minion
    within 120 told 3 "lab/minion/$HOST/ready"
    pass
    ;;
esac
