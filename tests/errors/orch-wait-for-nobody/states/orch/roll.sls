step:
  salt.wait_for_event:
    - name: salt/minion/*/start
