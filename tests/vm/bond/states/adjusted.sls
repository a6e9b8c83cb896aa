bond0:
  bond.present:
    - ports: [eth0, eth1]
    - take_over: eth0
    - addresses: [192.0.2.2/24]
    - mode: active-backup
    - miimon: 100
    - up_delay: 0
    - primary: eth0
default:
  route.present:
    - via: 192.0.2.1
