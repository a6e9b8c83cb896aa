# Two machines on one cable see each other's tagged packets, and only on the same tag.
# vms: 2
# modules: 8021q
case $HOST in a) me=1 other=2 ;; b) me=2 other=1 ;; esac
ip link set eth0 up
for id in 10 11; do
  ip link add link eth0 name vlan$id type vlan id $id
  ip addr add 192.0.$id.$me/24 dev vlan$id
  ip link set vlan$id up
done
within 60 ping -c 1 -W 1 -q 192.0.10.$other
within 60 ping -c 1 -W 1 -q 192.0.11.$other
# The kernel would answer on one link for the address of another.
echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
ip addr add 192.0.12.$me/24 dev vlan1$((me - 1))
if ping -c 2 -W 1 -q 192.0.12.$other; then fail "a packet with one tag reached the other"; fi
# The other one may still be asking.
sleep 3
pass
