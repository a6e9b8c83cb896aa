a:
  cmd.run:
    - name: echo "changed=yes"
    - stateful:
      - test_name: echo "changed=no comment='t'"
b:
  cmd.run:
    - name: echo "changed=no"
    - stateful:
      - test_name: echo "changed=yes comment='t'"
c:
  cmd.run:
    - name: echo "changed=no"; touch @ROOT@/touched
    - stateful: True
