
a:
  cmd.run:
    - name: 'echo; echo "changed=yes comment=''hi there'' x=1"'
    - stateful: True
b:
  cmd.run:
    - name: 'echo "changed=no comment=nothing"'
    - stateful: True
c:
  cmd.run:
    - name: 'echo "{\"changed\": true, \"comment\": \"js\", \"k\": 2}"'
    - stateful: True
d:
  cmd.run:
    - name: 'echo garbage'
    - stateful: True
e:
  cmd.run:
    - name: 'echo "changed=yes"; exit 3'
    - stateful: True
f:
  cmd.run:
    - name: 'echo "changed=maybe"'
    - stateful: [{test_name: 'echo changed=yes'}]
g:
  cmd.wait:
    - name: 'echo "changed=no"'
    - stateful: True
    - watch: [cmd: a]
h:
  test.nop:
    - onchanges: [cmd: b]
