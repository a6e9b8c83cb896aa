{% set mode = 'kube' %}
{% set swap = False %}
{% set arch = grains['cpuarch'] %}
config:
  events: yes
  reboot: yes
{% include "_storage.sls.%s" % mode %}
software:
  packages:
    - pattern:base
    - kernel-default
  repositories:
    oss-{{ arch }}:
      url: "http://example.org/oss/"
      name: Main
    other: "http://example.org/other/"
users:
  - name: root
  - name: admin
