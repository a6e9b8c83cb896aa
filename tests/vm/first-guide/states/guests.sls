{% set octet = {'guest-a': 21, 'guest-b': 22}[grains['id']] %}
192.168.100.{{ octet }}/24:
  address.present:
    - link: eth0
{% for id in [10, 11, 12] %}
vlan{{ id }}:
  vlan.present:
    - link: eth0
    - id: {{ id }}
    - addresses: [192.168.{{ 100 + id }}.{{ octet }}/24]
{% endfor %}
