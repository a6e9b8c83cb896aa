sync:
  salt.function:
    - name: saltutil.sync_all
    - tgt: '*'

install:
  salt.state:
    - sls:
      - site
    - tgt: '*'

wait:
  salt.wait_for_event:
    - name: salt/minion/*/start
    - id_list:
      - '00:00:00:11:11:11'
      - '00:00:00:22:22:22'
    - require:
      - salt: install

send:
  salt.function:
    - name: mine.send
    - tgt: '00:00:00:11:11:11'
    - arg:
      - params
    - kwarg:
        mine_function: kubeadm.join_params
        create_if_needed: yes
