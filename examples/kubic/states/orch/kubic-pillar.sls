# The same seven steps with the node ids from the pillar, so that more workers need no edit here, and with requisites,
# so that a step whose ground is missing does not run.
{% set control_plane = pillar['kubic']['control_plane'] %}
{% set workers = pillar['kubic']['workers'] %}

synchronize_all:
  salt.function:
    - name: saltutil.sync_all
    - tgt: '*'

install_nodes:
  salt.state:
    - tgt: {{ ([control_plane] + workers) | json }}
    - tgt_type: list
    - sls:
      - kubic.node
    - require:
      - salt: synchronize_all

wait_for_reboots:
  salt.wait_for_event:
    - name: salt/minion/*/start
    - id_list: {{ ([control_plane] + workers) | json }}
    - timeout: 600
    - require:
      - salt: install_nodes

install_control_plane:
  salt.state:
    - tgt: '{{ control_plane }}'
    - sls:
      - kubic.control_plane
    - require:
      - salt: wait_for_reboots

send_mine:
  salt.function:
    - name: mine.send
    - tgt: '{{ control_plane }}'
    - arg:
      - join_params
    - kwarg:
        mine_function: kubeadm.join_params
        create_if_needed: yes
        allow_tgt: {{ workers | join(',') | json }}
        allow_tgt_type: list
    - require:
      - salt: install_control_plane

join_worker:
  salt.state:
    - tgt: {{ workers | json }}
    - tgt_type: list
    - sls:
      - kubic.join
    - require:
      - salt: send_mine

delete_mine:
  salt.function:
    - name: mine.delete
    - tgt: '{{ control_plane }}'
    - arg:
      - join_params
