k:
  cmd.run:
    - name: echo "noise"; echo "changed=yes comment='all fine' extra=5"
    - stateful: True
n:
  cmd.run:
    - name: echo "changed=no comment=nothing"
    - stateful: True
j:
  cmd.run:
    - name: |
        echo '{"changed": true, "comment": "json", "x": 1}'
    - stateful: True
jn:
  cmd.run:
    - name: |
        echo '{"changed": false, "comment": "json"}'
    - stateful: True
f:
  cmd.run:
    - name: echo "changed=yes comment=bad"; exit 1
    - stateful: True
nl:
  cmd.run:
    - name: echo "just text"
    - stateful: True
em:
  cmd.run:
    - name: 'true'
    - stateful: True
tr:
  cmd.run:
    - name: echo "changed=yes"; echo; echo
    - stateful: True
tc:
  cmd.run:
    - name: echo "changed=yes comment=test"
    - stateful:
      - test_name: echo "changed=no comment=dry"
cap:
  cmd.run:
    - name: echo "changed=Yes comment=cap"
    - stateful: True
one:
  cmd.run:
    - name: echo "changed=1"
    - stateful: True
tru:
  cmd.run:
    - name: echo "changed=true"
    - stateful: True
res:
  cmd.run:
    - name: echo "changed=yes result=false"
    - stateful: True
w:
  cmd.wait:
    - name: echo "changed=no"
    - stateful: True
    - watch:
      - cmd: k
dep:
  test.nop:
    - onchanges:
      - cmd: n
