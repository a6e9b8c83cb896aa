bond0:
  bond.present:
    - ports: [eth0, eth1]
    - mode: balance-rr
