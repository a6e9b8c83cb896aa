x:
  test.nop:
    - name: {{ none|to_num }}
