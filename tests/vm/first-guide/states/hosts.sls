{% set octet = {'a': 11, 'b': 12}[grains['id']] %}
br0:
  bridge.present:
    - ports: [eth0]
    - take_over: eth0
    - addresses: [192.168.100.{{ octet }}/24]
    - stp: True
    - forward_delay: 4
gateway:
  route.present:
    - to: default
    - via: 192.168.100.1
name servers:
  dns.config:
    - nameservers: [1.1.1.1, 8.8.8.8, 8.8.4.4]
{% for id in [10, 11, 12] %}
vlan{{ id }}:
  vlan.present:
    - link: br0
    - id: {{ id }}
    - addresses: [192.168.{{ 100 + id }}.{{ octet }}/24]
{% endfor %}
