# The first guide's order: the bridge has the tags, and the VLAN stands on it, no more on the card.
br0:
  bridge.present:
    - vlan_filtering: True
    - vids: [10]
    - ports: [eth0]
    - port_vlans:
        eth0: {vids: [10]}
mgmt:
  vlan.present:
    - link: br0
    - id: 10
    - addresses: [192.168.110.12/24]
vlan10:
  vlan.absent: []
192.168.110.12/24:
  address.absent:
    - link: vlan10
