{% set node = pillar['kubic']['nodes'][grains['id']] %}
include:
  - kubic.network

initialize_control_plane:
  module.run:
    - kubeadm.init:
      - apiserver_advertise_address: {{ node['address'] }}
      - node_name: {{ node['name'] }}
    - unless: test -e /etc/kubernetes/admin.conf
    - require:
      - bridge: br0

api_server_answers:
  cmd.run:
    - name: timeout 5 bash -c '</dev/tcp/{{ node['address'] }}/6443'
    - unless: test -e /run/kubic-api-checked
    - require:
      - module: initialize_control_plane
