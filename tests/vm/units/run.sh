# The units on a real systemd: both become active by their own word (Type=notify), a minion that hangs is ended by the
# watchdog and comes back, a restarted agent is not taken for a reboot, a real reboot is.
# system: systemd
# limit: 900
connected() { lab-master minion list --json | grep -q '"connected"'; }
ready() { [ "$(events "lab/minion/$HOST/ready")" -ge "$1" ]; }
starts() { [ "$(events "salt/minion/$HOST/start")" -ge "$1" ]; }
start() {
  systemctl enable --now "$1" || { journalctl -u "$1" --no-pager | tail -20; fail "$1 does not start"; }
  has "active (running)" systemctl status --no-pager "$1"
}
case $BOOT in
  1)
    mkdir -p /etc/lab /srv/lab/states /srv/lab/pillar
    cp /lab/packaging/lab-master.service /lab/packaging/lab-minion.service /etc/systemd/system/
    systemctl daemon-reload
    start lab-master
    lab-minion enrol --master localhost --id "$HOST" --token "$(lab-master token create --id "$HOST" --ttl 1h)"
    start lab-minion
    within 120 ready 1
    has '"cause":"boot"' lab-master events --json --tag "salt/minion/$HOST/start"

    # A minion that hangs: the watchdog ends it and systemd starts another one, which is no reboot.
    systemctl kill --signal=STOP --kill-who=main lab-minion
    within 300 starts 2
    has NRestarts=1 systemctl show -p NRestarts lab-minion
    has 'agent-restart' lab-master events --json --tag "salt/minion/$HOST/start"
    [ "$(events "lab/minion/$HOST/reboot")" = 0 ] || fail "a restarted agent was taken for a reboot"
    within 120 ready 2
    lab-master run "$HOST" test.ping || fail "no answer after the watchdog"

    # By a job: its return is durable before the machine goes down.
    echo "@@ RESTART"
    lab-master run "$HOST" system.reboot || true
    sleep 300
    echo "@@ FAIL system.reboot did nothing"
    ;;
  2)
    rebooted() { [ "$(events "lab/minion/$HOST/reboot")" = 1 ]; }
    within 180 rebooted
    within 120 ready 3
    [ "$(lab-master events --json --tag "salt/minion/$HOST/start" | grep -c '"cause":"boot"')" = 2 ] || fail "the second boot is not named"
    lab-master run "$HOST" test.ping || fail "no answer after the reboot"
    pass
    ;;
esac
