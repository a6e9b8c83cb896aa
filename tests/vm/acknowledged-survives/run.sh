# Events that were acknowledged before a power cut are in the log after it, on a real kernel and disk: at the master, once
# and in order. The minion is the same machine's, so that its outbox loses its power too.
# limit: 300
start_master() {
  lab-master serve >/var/master.log 2>&1 &
  within 60 lab-master status >/dev/null 2>&1
}
start_minion() {
  lab-minion serve >/var/minion.log 2>&1 &
}
state_of() { lab-master minion list --json 2>/dev/null | grep -q '"connected"'; }
case $BOOT in
  1)
    mkdir -p /srv/lab/states /srv/lab/pillar
    start_master
    token=$(lab-master token create --id "$HOST" --ttl 1h)
    lab-minion enrol --master localhost --id "$HOST" --token "$token" || { cat /var/master.log; fail "no enrolment"; }
    start_minion
    within 60 state_of
    n=0
    while [ $n -lt 20 ]; do
      n=$((n + 1))
      lab-minion event send "site/$HOST/count" "n=$n" || fail "event $n was not taken"
    done
    in_log() { [ "$(lab-master events --tag 'site/*' --json | wc -l)" = 20 ]; }
    within 60 in_log
    cut_power
    ;;
  2)
    start_master
    lab-master events --tag 'site/*' --json >/tmp/events || { cat /var/master.log; fail "no events"; }
    [ "$(wc -l </tmp/events)" = 20 ] || { cat /tmp/events; fail "$(wc -l </tmp/events) of 20 events are in the log"; }
    start_minion
    within 90 state_of
    # What the outbox still held was sent again, and taken once.
    lab-minion event send "site/$HOST/count" n=21
    in_log() { [ "$(lab-master events --tag 'site/*' --json | wc -l)" = 21 ]; }
    within 60 in_log
    pass
    ;;
esac
