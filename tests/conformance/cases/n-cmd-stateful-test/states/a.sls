k:
  cmd.run:
    - name: echo "changed=yes"
    - stateful: True
tc:
  cmd.run:
    - name: echo "changed=yes comment=test"
    - stateful:
      - test_name: echo "changed=no comment=dry"; echo ran >> @ROOT@/log
tc2:
  cmd.run:
    - name: echo "changed=yes comment=test"
    - stateful:
      - test_name: echo "changed=yes comment=dry"
tc3:
  cmd.run:
    - name: echo no >> @ROOT@/log
    - stateful:
      - test_name: exit 3
w:
  cmd.wait:
    - name: echo w
    - watch:
      - cmd: k
c:
  cmd.run:
    - name: echo
    - creates: /etc
