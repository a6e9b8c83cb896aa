
a:
  salt.runner:
    - name: manage.up
b:
  salt.wheel:
    - name: key.list_all
c:
  salt.state:
    - tgt: '*'
    - sls: inner
d:
  salt.state:
    - tgt: '*'
    - sls: quiet
e:
  salt.state:
    - tgt: '*'
    - highstate: True
f:
  salt.wait_for_event:
    - name: a/b
    - id_list: [x]
g:
  salt.parallel_runners:
    - runners:
        x:
          - name: manage.up
