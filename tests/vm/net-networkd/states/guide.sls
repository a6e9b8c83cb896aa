br0:
  bridge.present:
    - ports: [eth0]
    - take_over: eth0
    - stp: True
    - forward_delay: 4
{% for id in [10, 11, 12] %}
vlan{{ id }}:
  vlan.present:
    - link: br0
    - id: {{ id }}
    - addresses: [192.168.{{ 100 + id }}.10/24]
{% endfor %}
