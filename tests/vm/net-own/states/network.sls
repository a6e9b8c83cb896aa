lab-network:
  net.config:
    - uplink: {capture: default-route}
    - interfaces:
        br0: {type: bridge, ports: ['{uplink}'], take-over: '{uplink}', stp: true, forward-delay: 4s}
{% for id in [10, 11, 12] %}
        vlan{{ id }}: {type: vlan, link: br0, id: {{ id }}, addresses: [192.168.{{ 100 + id }}.10/24]}
{% endfor %}
        port-a: {type: veth, peer: end-a}
        br1: {type: bridge, ports: [port-a], vlan-filtering: true, port-vlans: {port-a: {pvid: 10, vids: [20]}}}
    - routes: [{to: 10.99.0.0/16, via: 192.168.110.1}]
    - sysctl: {net.ipv4.ip_forward: 1}
