bonding:
  kmod.absent:
    - persist: True
net.bridge.bridge-nf-call-ip6tables:
  sysctl.absent: []
dummy7:
  dummy.absent: []
