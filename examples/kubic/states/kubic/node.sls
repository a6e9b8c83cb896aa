# A node: its bridge, its files, its service, and then a reboot, once. On a node that is installed already this renders
# to nothing, which is success with no states.
{% set node = pillar['kubic']['nodes'][grains['id']] %}
{% if not salt['file.file_exists']('/etc/kubic/installed') %}
include:
  - kubic.network

/etc/kubic/node.conf:
  file.managed:
    - source: salt://kubic/files/node.conf.j2
    - template: jinja
    - context:
        node: {{ node | json }}
    - makedirs: True
    - mode: '0644'

{% for id, other in pillar['kubic']['nodes'].items() %}
{{ other['name'] }} has an address:
  host.present:
    - name: {{ other['name'] }}
    - ip: {{ other['address'] }}
{% endfor %}

/etc/init.d/kubic-node:
  file.managed:
    - source: salt://kubic/files/kubic-node.init
    - mode: '0755'

kubic-node:
  service.running:
    - enable: True
    - require:
      - file: /etc/init.d/kubic-node
    - watch:
      - file: /etc/kubic/node.conf

/etc/kubic/installed:
  file.managed:
    - contents: installed by kubic.node
    - require:
      - service: kubic-node

reboot:
  module.run:
    - system.reboot: []
    - require:
      - bridge: br0
      - file: /etc/kubic/installed
{% endif %}
