# Renders when the step starts, so the mine is there by then; without it this is an error that says so.
{% set control_plane = pillar['kubic']['control_plane'] %}
{% set params = salt['mine.get'](control_plane, 'join_params')[control_plane] %}
{% set node = pillar['kubic']['nodes'][grains['id']] %}
include:
  - kubic.network

join_cluster:
  module.run:
    - kubeadm.join:
      - api_server_endpoint: {{ params['api-server-endpoint'] }}
      - token: {{ params['token'] }}
      - discovery_token_ca_cert_hash: {{ params['discovery-token-ca-cert-hash'] }}
      - node_name: {{ node['name'] }}
    - unless: test -e /etc/kubernetes/kubelet.conf
    - require:
      - bridge: br0
