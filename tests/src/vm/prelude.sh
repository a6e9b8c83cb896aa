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
