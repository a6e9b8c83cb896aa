{% import 'macros.yml' as macros %}

{% set params = salt.mine.get(tgt='00:00:00:11:11:11', fun='params')['00:00:00:11:11:11'] %}
{% set address = grains['ip4_interfaces']['ens3'][0] %}

{{ macros.log('module', 'join') }}
join:
  module.run:
    - kubeadm.join:
        - api_server_endpoint: {{ params['endpoint'] }}
        - advertise: {{ address }}
    - creates: /etc/kubernetes/kubelet.conf

{% for user in pillar['users'] %}
{{ macros.log('file', 'home_' ~ user.name) }}
home_{{ user.name }}:
  file.directory:
    - name: ~{{ user.name }}/.kube
    - user: {{ user.name }}
    - group: {{ user.name if user.name == 'root' else 'users' }}
    - mode: 700
{% endfor %}

{{ macros.log('loop', 'up') }}
up:
  loop.until:
    - name: network.interfaces
    - condition: "'flannel.1' in m_ret"
    - period: 5
    - timeout: 300
