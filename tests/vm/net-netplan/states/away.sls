{% for id in [10, 11, 12] %}
vlan{{ id }}:
  vlan.absent: []
{% endfor %}
192.0.2.10/24:
  address.present:
    - link: eth0
gateway:
  route.present:
    - to: default
    - via: 192.0.2.1
    - link: eth0
br0:
  bridge.absent:
    - force: True
