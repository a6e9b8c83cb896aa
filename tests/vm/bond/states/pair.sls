bond0:
  bond.present:
    - ports: [eth0, eth1]
    - take_over: eth0
    - addresses: [192.0.2.2/24]
    - mode: active-backup
    - miimon: 140
    - up_delay: 280
    - primary: eth1
default:
  route.present:
    - via: 192.0.2.1
