# What a case can call. Each line that begins with @@ is for the test outside.

# busybox's shell prefers its own applets to programs of the same name.
ip() { /sbin/ip "$@"; }
modprobe() { /sbin/modprobe "$@"; }
rmmod() { /sbin/rmmod "$@"; }
lsmod() { /sbin/lsmod "$@"; }
with_systemd() { [ -d /run/systemd/system ]; }

# Ends the case well.
pass() { echo "@@ PASS"; sync; poweroff -f; sleep 60; }

# Ends the case, saying why.
fail() { echo "@@ FAIL $*"; sync; poweroff -f; sleep 60; }

# Ends the machine as a power cut does: nothing is synced. It boots again with BOOT one higher.
cut_power() { echo "@@ CUT"; sleep 600; }

# Restarts the machine: by systemd in good order where it is, else at once by reboot(2). It boots again with BOOT one higher.
restart() {
  echo "@@ RESTART"
  if with_systemd; then systemctl reboot; else sync; reboot -f; fi
  sleep 600
}

# Applies SLS of this case's states/, with further options: `apply vlans --test`. The results are in $RESULTS; the status is
# that of the program.
RESULTS=/tmp/results.json
apply() {
  lab-minion apply --local --states "$CASE/states" --id "$HOST" --output json "$@" >$RESULTS 2>/tmp/stderr && APPLIED=0 || APPLIED=$?
  cat /tmp/stderr
  return $APPLIED
}

# A lab on the machines of a case: the states are the case's, the minion is asked for by its machine's name.

# Starts the master, with this case's states; with a name, has tokens for minions on offer: `master a b`.
master() {
  [ -e /srv/lab ] || { mkdir -p /srv/lab/pillar /srv/www; cp -r "$CASE/states" /srv/lab/states; }
  lab-master serve >>/var/master.log 2>&1 &
  within 60 lab-master status >/dev/null 2>&1
  for id in "$@"; do
    [ -s /srv/www/$id ] || { lab-master token create --id $id --ttl 1h >/srv/www/$id.new; mv /srv/www/$id.new /srv/www/$id; }
  done
  httpd -h /srv/www
}

# Enrols a minion at the master on the machine of that address, with further options: `enrol 192.0.2.1 b`.
enrol() {
  at=$1 id=$2; shift 2
  within 120 wget -q -O /tmp/token.$id http://$at/$id 2>/dev/null
  lab-minion enrol --master $at --id $id --token "$(cat /tmp/token.$id)" "$@" || fail "$id cannot enrol"
}

# A lab on one machine with systemd and two cards (`# cards: 2`): the machine that is tried has eth0, the master is `outside`,
# a network namespace at the other end of its cable.

# Makes that place, with an address: `outside 192.0.2.1/24`. It is gone after a restart.
outside() {
  ip netns add outside
  ip link set eth1 netns outside
  ip -n outside link set lo up
  ip -n outside address add $1 dev eth1
  ip -n outside link set eth1 up
}

# Installs the units as a package does, with this case's states for the master. Agents stand still or crash where a test says.
install_units() {
  cp /lab/packaging/*.service /etc/systemd/system/
  for drop in 'lab-master NetworkNamespacePath=/run/netns/outside' 'lab-minion Environment=LAB_FAULTS=1'; do
    mkdir -p /etc/systemd/system/${drop%% *}.service.d
    printf '[Service]\n%s\n' "${drop#* }" >/etc/systemd/system/${drop%% *}.service.d/test.conf
  done
  systemctl daemon-reload
  # Operators are outside as well.
  printf '#!/bin/sh\nexec ip netns exec outside /usr/bin/lab-master "$@"\n' >/usr/local/bin/lab-master
  chmod 0755 /usr/local/bin/lab-master
  mkdir -p /etc/lab /srv/lab/pillar
  cp -r "$CASE/states" /srv/lab/states
}

# Starts units, showing the log of one that does not: `start_unit lab-master`.
start_unit() {
  for unit in "$@"; do
    systemctl start "$unit" || { journalctl -u "$unit" --no-pager | tail -20; fail "$unit does not start"; }
  done
}

# Enrols this machine at the master outside: `join 192.0.2.1`.
join() {
  lab-minion enrol --master $1 --id "$HOST" --token "$(lab-master token create --id "$HOST" --ttl 1h)" || fail "no enrolment"
}

# Brings the lab up, for the first time, once the master's place answers: units, an enrolled agent that is ready, and the unit
# that restores a network at boot.
lab_begins() {
  within 60 ping -c 1 -W 1 -q 192.0.2.1
  install_units
  start_unit lab-master
  join 192.0.2.1
  systemctl enable lab-net-restore
  start_unit lab-minion
  within 120 told 1 "lab/minion/$HOST/ready"
}

# Has the agent stand still at a point of its next network change; `held` succeeds once it does, `go_on` lets it.
hold_at() { mkdir -p /run/lab-minion/net; rm -f /run/lab-minion/net/fault.held; echo "pause:$1" >/run/lab-minion/net/fault; }
held() { test -e /run/lab-minion/net/fault.held; }
go_on() { rm /run/lab-minion/net/fault; }

# The link's comings and goings, as the master counts them: the same numbers later mean the same session.
session() { echo "$(events "lab/minion/$HOST/connected") $(events "lab/minion/$HOST/disconnected")"; }

# Runs a command, expecting that the link is the same one before and after: `in_one_session settles network`.
in_one_session() {
  session >/tmp/before
  "$@"
  session >/tmp/after
  cmp /tmp/before /tmp/after || fail "the session is another one: $(cat /tmp/before /tmp/after)"
}

# Applies at the master, expecting that it goes well; then once more, expecting no change: `settles network`.
settles() {
  lab-master apply "$HOST" "$@" || { journalctl -u lab-minion --no-pager | tail -30; fail "apply $*"; }
  unchanged "$@"
}

# Applies at the master, expecting no change.
unchanged() {
  lab-master apply "$HOST" "$@" --json >/tmp/again || fail "apply $* again: $(cat /tmp/again)"
  lacks '"outcome":"changed"' cat /tmp/again
  has '"outcome":"ok"' cat /tmp/again
}

# Fails unless the first guide's network is there: br0 with the spanning tree over eth0, with its address and default route, and
# VLANs 10, 11 and 12 on it.
guide_stands() {
  has 192.0.2.10/24 ip addr show br0
  lacks "inet " ip addr show eth0
  has "master br0" ip link show eth0
  has "via 192.0.2.1 dev br0" ip route show default
  has "stp_state 1" ip -d link show br0
  has "forward_delay 400" ip -d link show br0
  for id in 10 11 12; do
    has "vlan protocol 802.1Q id $id" ip -d link show vlan$id
    has 192.168.1$id.10/24 ip addr show vlan$id
  done
}

# Succeeds once networkd has set a link up: `within 30 configured br0`.
configured() { [ "$(networkctl list --no-legend --no-pager "$1" | awk '{print $NF}')" = configured ]; }

# How many events of a tag the master has, of those whose JSON has a text: `events 'lab/net/b/*' '"by":"boot"'`.
events() { lab-master events --json --tag "$1" | grep -c -- "${2:-}" || true; }

# Succeeds once the master has that many: `within 60 told 2 'lab/minion/b/ready'`.
told() { n=$1; shift; [ "$(events "$@")" -ge $n ]; }

# Counts results of one kind: changed, ok, failed, skipped, would-change.
count() { grep -o "\"result\":\"$1\"" $RESULTS | wc -l; }

# Fails unless the last `apply` gave that many results of that kind: `expect changed 3`.
expect() {
  [ "$(count "$1")" = "$2" ] || { cat $RESULTS; fail "$(count "$1") results are $1, not $2"; }
}

# Applies, expecting that everything is changed or fine; then once more, expecting no change.
converges() {
  apply "$@" || { cat $RESULTS; fail "apply $* ended with $APPLIED"; }
  apply "$@" || { cat $RESULTS; fail "the second apply $* ended with $APPLIED"; }
  expect changed 0
}

# Fails unless a command's output has a text: `has "vlan id 10" ip -d link show vlan10`.
has() {
  want=$1; shift
  got=$("$@" 2>&1) || true
  case $got in *"$want"*) ;; *) fail "\`$*\` does not say \"$want\": $got" ;; esac
}

# Fails if a command's output has a text.
lacks() {
  want=$1; shift
  got=$("$@" 2>&1) || true
  case $got in *"$want"*) fail "\`$*\` says \"$want\": $got" ;; *) ;; esac
}

# Repeats a command until it succeeds, at most so many seconds.
within() {
  limit=$1; shift
  end=$(($(cut -d. -f1 /proc/uptime) + limit))
  until "$@"; do
    [ "$(cut -d. -f1 /proc/uptime)" -lt $end ] || fail "not within $limit s: $*"
    sleep 0.2
  done
}
