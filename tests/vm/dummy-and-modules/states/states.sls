bonding:
  kmod.present:
    - persist: True
    - options: {max_bonds: 0, tx_queues: 7}
br_netfilter:
  kmod.present: []
net.bridge.bridge-nf-call-ip6tables:
  sysctl.present:
    - value: 1
    - require: [{kmod: br_netfilter}]
net.ipv4.tcp_rmem:
  sysctl.present:
    - value: 4096 131072 6291456
