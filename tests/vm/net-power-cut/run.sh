# The power goes while a host's only way to its master is changed, at three times: in the trial, when the files of the next
# boot are written but not confirmed, and when the change was kept but nobody was told. Each time the host comes back by
# itself with the old network or the new one, can be reached, and the log says which.
# vms: 2
# modules: bridge stp
# limit: 400
ip link set eth0 up
# The agent stands still at that point of its change; then the power goes.
cut_at() {
  mkdir -p /run/lab-minion/net
  echo "pause:$1" >/run/lab-minion/net/fault
  LAB_FAULTS=1 lab-minion serve >>/var/minion.log 2>&1 &
  within 120 test -e /run/lab-minion/net/fault.held
  has 192.168.100.12 ip addr show br0
  cut_power
}
# What this machine's own configuration does at boot, unless lab's bridge has the card.
own_address() { [ -e /sys/class/net/br0 ] || ip addr add 192.168.100.12/24 dev eth0; }
case $HOST$BOOT in
  a1)
    ip addr add 192.168.100.11/24 dev eth0
    master b
    next=1
    for cut in trial written; do
      within 200 told $next lab/minion/b/ready
      lab-master apply b move --detach
      within 200 told $next lab/net/b/rolled-back '"by":"boot"'
      next=$((next + 1))
      within 200 told $next lab/minion/b/ready
      [ "$(lab-master run b test.ping)" = "b: true" ] || fail "after the cut in $cut the host cannot be reached"
    done
    has "the change was tried" lab-master events --json --tag lab/net/b/rolled-back
    lab-master run b cmd.run 'touch /tmp/go' --timeout 20s || true
    next=$((next + 1))
    within 200 told $next lab/minion/b/ready
    lab-master apply b move --detach
    next=$((next + 1))
    within 200 told 1 lab/net/b/committed
    within 200 told $next lab/minion/b/ready
    [ "$(events lab/net/b/rolled-back)" = 2 ] || fail "what was kept was taken back"
    lab-master net pending --json >/tmp/pending
    [ ! -s /tmp/pending ] || fail "a change is still pending: $(cat /tmp/pending)"
    lab-master apply b move || fail "the second run failed"
    lab-master apply b move --json >/tmp/second
    lacks '"outcome":"changed"' cat /tmp/second
    lab-master run b cmd.run 'touch /tmp/done' --timeout 20s || true
    pass
    ;;
  b1)
    own_address
    enrol 192.168.100.11 b
    cut_at verify
    ;;
  b2)
    lab-minion net-restore
    lacks br0 ip link
    own_address
    cut_at persist
    ;;
  b3)
    lab-minion net-restore
    lacks br0 ip link
    own_address
    lab-minion serve >>/var/minion.log 2>&1 &
    agent=$!
    within 200 test -e /tmp/go
    kill $agent
    wait $agent || true
    cut_at archived
    ;;
  b4)
    lab-minion net-restore
    own_address
    has 192.168.100.12/24 ip addr show br0
    lacks 192.168 ip addr show eth0
    lab-minion serve >>/var/minion.log 2>&1 &
    within 200 test -e /tmp/done
    pass
    ;;
esac
