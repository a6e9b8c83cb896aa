bond1:
  bond.present:
    - ports: [eth2, eth3]
    - mode: 802.3ad
    - lacp_rate: fast
    - xmit_hash_policy: layer3+4
vlan20:
  vlan.present:
    - link: bond1
    - id: 20
