# The first guide's network on a machine whose only card is netplan's: br0 with the spanning tree over the card, VLANs 10, 11
# and 12 on br0. The guard is a unit of its own, which outlives the agent's. Power that goes when netplan's files are written
# and not confirmed brings the old ones back, although netplan's generator comes first in a boot. A real reboot makes the same
# from netplan alone, before there is an agent. Then all of it is taken away again, which another reboot keeps too.
# system: systemd
# cards: 2
# limit: 1200
BEFORE=/root/50-installer.yaml
IN_PLACE=/etc/netplan/50-installer.yaml
card_is_plain() {
  has 192.0.2.10/24 ip addr show eth0
  has "via 192.0.2.1 dev eth0" ip route show default
  lacks br0 ip link
  lacks vlan1 ip link
}
guard() { systemctl list-units --plain --no-legend 'lab-net-rollback-*'; }
no_guard() { [ -z "$(guard)" ]; }
every_line_is_kept() {
  while IFS= read -r line; do
    grep -qF -- "$line" $IN_PLACE || fail "netplan's file lost \"$line\": $(cat $IN_PLACE)"
  done <$BEFORE
}
netplan_is_content() {
  said=$(netplan generate 2>&1) || fail "netplan generate: $said"
  [ -z "$said" ] || fail "netplan generate says $said"
}
networkd_has() { for link in "$@"; do has "/10-netplan-$link.network" networkctl status --no-pager $link; done; }
case $BOOT in
  1)
    cat >$BEFORE <<'YAML'
# What the installer wrote.
network:
  version: 2
  renderer: networkd
  ethernets:
    eth0:
      # the one way to this machine
      addresses:
        - 192.0.2.10/24
      routes:
        - to: default
          via: 192.0.2.1
      nameservers:
        addresses: [192.0.2.1]
        search: [lab.example]
      emit-lldp: false
YAML
    install -m 0600 $BEFORE $IN_PLACE
    outside 192.0.2.1/24
    netplan generate
    networkctl reload
    lab_begins

    # The agent's unit is stopped in the trial, and all in its group with it: the guard is in none of its groups.
    hold_at verify
    lab-master apply "$HOST" tried --detach
    within 120 held
    has running guard
    has lab-net-rollback- cat "/proc/$(awk '{print $2}' /run/lab-minion/net/guard)/cgroup"
    has 192.0.2.10/24 ip addr show br0
    [ "$(ls /etc/netplan)" = 50-installer.yaml ] || fail "a trial wrote to netplan: $(ls /etc/netplan)"
    systemctl stop lab-minion
    go_on
    has running guard
    within 60 no_guard
    card_is_plain
    start_unit lab-minion
    within 120 told 1 "lab/net/$HOST/rolled-back" '"by":"guard"'
    within 120 told 2 "lab/minion/$HOST/ready"

    hold_at persist
    sync
    lab-master apply "$HOST" guide --detach
    within 120 held
    has br0 cat /etc/netplan/90-lab.yaml
    cut_power
    ;;
  2)
    outside 192.0.2.1/24
    within 60 ping -c 1 -W 1 -q 192.0.2.1
    card_is_plain
    [ "$(ls /etc/netplan)" = 50-installer.yaml ] || fail "after the power cut there are $(ls /etc/netplan)"
    cmp $BEFORE $IN_PLACE || fail "the installer's file is another one"
    networkd_has eth0
    start_unit lab-master lab-minion
    within 120 told 1 "lab/net/$HOST/rolled-back" '"by":"boot"'
    within 120 told 3 "lab/minion/$HOST/ready"

    in_one_session settles guide
    [ "$(events 'lab/minion/*/lost')" = 0 ] || fail "the host was taken for lost"
    within 60 no_guard
    guide_stands
    every_line_is_kept
    netplan_is_content
    has "stp: true" netplan get bridges.br0
    has "192.0.2.10/24" netplan get bridges.br0.addresses
    has "id: 12" netplan get vlans.vlan12
    networkd_has eth0 br0 vlan10 vlan11 vlan12
    within 30 ping -c 1 -W 1 -q 192.0.2.1
    restart
    ;;
  3)
    [ "$(systemctl is-active lab-minion)" = inactive ] || fail "the agent runs already"
    outside 192.0.2.1/24
    within 60 ping -c 1 -W 1 -q 192.0.2.1
    guide_stands
    for link in br0 vlan10 vlan11 vlan12; do within 60 configured $link; done
    networkd_has eth0 br0 vlan10 vlan11 vlan12
    has lab.example resolvectl domain br0
    has Result=success systemctl show -p Result lab-net-restore
    start_unit lab-master lab-minion
    within 120 told 4 "lab/minion/$HOST/ready"
    unchanged guide

    settles away
    card_is_plain
    netplan_is_content
    systemctl enable lab-minion
    restart
    ;;
  4)
    outside 192.0.2.1/24
    within 60 ping -c 1 -W 1 -q 192.0.2.1
    card_is_plain
    within 60 configured eth0
    start_unit lab-master
    within 120 told 5 "lab/minion/$HOST/ready"
    unchanged away
    lacks br0 find /etc/systemd/network -type f
    pass
    ;;
esac
