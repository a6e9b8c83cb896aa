yes1:
  cmd.run:
    - name: echo; echo "changed=yes comment='did it' k=v"
    - stateful: True
no1:
  cmd.run:
    - name: echo "changed=no comment='nothing'"
    - stateful: True
json:
  cmd.run:
    - name: echo '{"changed":true, "comment":"j", "x":"y"}'
    - stateful: True
jsonno:
  cmd.run:
    - name: echo '{"changed":false, "comment":"j"}'
    - stateful: True
nothing:
  cmd.run:
    - name: 'true'
    - stateful: True
garbage:
  cmd.run:
    - name: echo hello world
    - stateful: True
nochangedkey:
  cmd.run:
    - name: echo "comment='only'"
    - stateful: True
failchg:
  cmd.run:
    - name: echo "changed=yes"; exit 1
    - stateful: True
resultkey:
  cmd.run:
    - name: echo "changed=yes result=False"
    - stateful: True
false:
  cmd.run:
    - name: echo "changed=no"
    - stateful: False
string:
  cmd.run:
    - name: echo "changed=no"
    - stateful: 'yes'
dep:
  test.nop:
    - onchanges:
      - cmd: no1
dep2:
  test.nop:
    - onchanges:
      - cmd: yes1
