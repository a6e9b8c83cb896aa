# What lab-case.service runs on a machine with systemd: the case named on the kernel's command line.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root
exec </dev/null >/dev/ttyS0 2>&1
for word in $(cat /proc/cmdline); do
  case $word in
    lab.case=*) CASE=/lab/cases/${word#*=} ;;
    lab.boot=*) BOOT=${word#*=} ;;
    lab.host=*) HOST=${word#*=} ;;
    lab.modules=*) MODULES=$(echo "${word#*=}" | tr , ' ') ;;
  esac
done
export CASE BOOT HOST
for module in $MODULES; do
  case $module in
    bonding) modprobe bonding max_bonds=0 ;;
    dummy) modprobe dummy numdummies=0 ;;
    *) modprobe "$module" ;;
  esac || { echo "@@ FAIL module $module cannot be loaded"; systemctl poweroff -ff; }
done
if [ "$BOOT" = 1 ]; then
  hostnamectl set-hostname "$HOST" 2>/dev/null || echo "$HOST" >/etc/hostname
  install -m 0755 /lab/opt/lab/lab-master /lab/opt/lab/lab-minion /usr/bin/
fi
cd "$CASE" || { echo "@@ FAIL no $CASE"; systemctl poweroff -ff; }
sh -euc '. /lab/prelude.sh; . ./run.sh' case
echo "@@ FAIL run.sh ended with status $? and without a verdict"
systemctl poweroff -ff
