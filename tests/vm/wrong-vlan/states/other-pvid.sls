br0:
  bridge.present:
    - vlan_filtering: True
    - port_vlans:
        eth0: {vids: [12]}
