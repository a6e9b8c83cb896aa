# The first guide's network as it stands: br0 with the spanning tree on and a forward delay of 4 s over the only card of two
# hosts, VLANs 10, 11 and 12 on br0, then the same VLANs inside guests; every pair on all four networks; everything as it was
# after both hosts restarted.
#
# A guest is not a virtual machine here: it is a network namespace with a cable to br0 (as libvirt gives a guest) and a minion
# of its own, one on each host. QEMU inside of an emulated machine would take minutes.
# vms: 2
# modules: bridge stp 8021q veth
# memory: 400
# limit: 600
PLANES='planes=[192.168.100.0/24, 192.168.110.0/24, 192.168.111.0/24, 192.168.112.0/24]'
case $HOST in a) me=11 guest=21 ;; b) me=12 guest=22 ;; esac
GUEST="--config-dir /srv/guest/etc --data-dir /srv/guest/var --run-dir /run/guest"
in_guest() { ip netns exec guest "$@"; }
agent() { lab-minion serve >>/var/minion.log 2>&1 & }
# The guest's cable: its far end is plugged into br0, as libvirt does it, once that is there.
wire_guest() {
  ip netns add guest
  ip link add vnet0 type veth peer name eth0 netns guest
  ip -n guest link set lo up
  ip -n guest link set eth0 up
}
plug_guest() {
  ip link set vnet0 master br0
  ip link set vnet0 up
}
guest_agent() { in_guest lab-minion serve $GUEST >>/var/guest.log 2>&1 & }

# For the master.
all_ready() { for id in "$@"; do told 1 "lab/minion/$id/ready" || return 1; done; }
links() { for id in "$@"; do echo "$id $(events "lab/minion/$id/connected") $(events "lab/minion/$id/disconnected")"; done; }
# Applied to all of them at once, and once more without a change.
settled() {
  what=$1; shift
  [ "$what" = again ] || lab-master apply -L "$targets" "$@" || fail "$what: $(cat /var/minion.log | tail -5)"
  lab-master apply -L "$targets" "$@" --json >/tmp/second || fail "$what, the second run: $(cat /tmp/second)"
  lacks '"outcome":"changed"' cat /tmp/second
  has '"outcome":"ok"' cat /tmp/second
}
all_reach_all() {
  lab-master run -L "$targets" mine.send network.ip_addrs >/dev/null || fail "no addresses in the mine"
  lab-master run -L "$targets" net.matrix "$targets" tgt_type=list "$PLANES" --json >/tmp/matrix || fail "$1: $(cat /tmp/matrix)"
  # Each of them reached each other one on each network.
  pairs=$(grep -o '192\.168\.1[01][0-2]\.[12][12]"' /tmp/matrix | wc -l)
  [ "$pairs" = "$2" ] || fail "$1: $pairs ways were tried, not $2: $(cat /tmp/matrix)"
}

ip link set eth0 up
wire_guest
case $HOST$BOOT in
  a1)
    ip addr add 192.168.100.$me/24 dev eth0
    ip route add default via 192.168.100.1
    master a b guest-a guest-b
    enrol 192.168.100.11 a
    agent
    within 200 all_ready a b
    targets=a,b
    links a b >/tmp/before
    settled hosts hosts
    links a b >/tmp/after
    cmp /tmp/before /tmp/after || fail "the sessions are other ones: $(diff /tmp/before /tmp/after)"
    [ "$(events 'lab/minion/*/lost')" = 0 ] || fail "a host was taken for lost"
    has 192.168.100.11/24 ip addr show br0
    has "stp_state 1" ip -d link show br0
    has "forward_delay 400" ip -d link show br0
    has vlan10@br0 ip link
    all_reach_all hosts 8
    lab-master run b cmd.run 'touch /tmp/hosts-done'

    plug_guest
    in_guest ip addr add 192.168.100.$guest/24 dev eth0
    within 60 in_guest ping -c 1 -W 1 -q 192.168.100.11
    in_guest lab-minion enrol $GUEST --master 192.168.100.11 --id guest-a --token "$(cat /srv/www/guest-a)" || fail "no enrolment"
    guest_agent
    within 200 all_ready guest-a guest-b
    targets=guest-a,guest-b
    settled guests guests
    targets=a,b,guest-a,guest-b
    all_reach_all "hosts and guests" 48
    lab-master run b cmd.run 'touch /tmp/restart' --timeout 20s || true
    within 200 told 2 lab/minion/b/ready
    within 200 told 2 lab/minion/guest-b/ready
    targets=b
    settled again hosts
    targets=guest-b
    settled again guests
    restart
    ;;
  a2)
    lacks br0 ip link
    lab-minion net-restore
    has 192.168.100.11/24 ip addr show br0
    plug_guest
    in_guest lab-minion net-restore $GUEST
    master
    agent
    guest_agent
    again() { told 2 lab/minion/a/ready && told 2 lab/minion/guest-a/ready && told 3 lab/minion/b/connected; }
    within 200 again
    targets=a,b
    settled again hosts
    targets=guest-a,guest-b
    settled again guests
    targets=a,b,guest-a,guest-b
    all_reach_all "after both restarted" 48
    lab-master run b cmd.run 'touch /tmp/done' --timeout 20s || true
    pass
    ;;
  b1)
    ip addr add 192.168.100.$me/24 dev eth0
    ip route add default via 192.168.100.1
    enrol 192.168.100.11 b
    agent
    within 400 test -e /tmp/hosts-done
    plug_guest
    in_guest ip addr add 192.168.100.$guest/24 dev eth0
    within 60 in_guest ping -c 1 -W 1 -q 192.168.100.11
    wget -q -O /tmp/token http://192.168.100.11/guest-b
    in_guest lab-minion enrol $GUEST --master 192.168.100.11 --id guest-b --token "$(cat /tmp/token)" || fail "no enrolment"
    guest_agent
    within 400 test -e /tmp/restart
    restart
    ;;
  b2)
    lacks br0 ip link
    lab-minion net-restore
    has 192.168.100.12/24 ip addr show br0
    plug_guest
    in_guest lab-minion net-restore $GUEST
    agent
    guest_agent
    within 400 test -e /tmp/done
    pass
    ;;
esac
