#!/bin/busybox sh
# The first process of a test machine: mounts, then the case named on the kernel's command line.
export PATH=/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mount -o remount,rw /
exec </dev/null >/dev/console 2>&1
for word in $(cat /proc/cmdline); do
  case $word in
    lab.case=*) CASE=/cases/${word#*=} ;;
    lab.boot=*) BOOT=${word#*=} ;;
    lab.host=*) HOST=${word#*=} ;;
    lab.modules=*) MODULES=$(echo "${word#*=}" | tr , ' ') ;;
  esac
done
export CASE BOOT HOST
hostname "$HOST"
/sbin/ip link set lo up
for module in $MODULES; do
  case $module in
    bonding) /sbin/modprobe bonding max_bonds=0 ;;
    dummy) /sbin/modprobe dummy numdummies=0 ;;
    *) /sbin/modprobe "$module" ;;
  esac || { echo "@@ FAIL module $module cannot be loaded"; poweroff -f; }
done
cd "$CASE" || { echo "@@ FAIL no $CASE"; poweroff -f; }
# An own session with the console as its error channel; a script that ends without a verdict has failed.
busybox sh -euc '. /prelude.sh; . ./run.sh' case
echo "@@ FAIL run.sh ended with status $? and without a verdict"
poweroff -f
