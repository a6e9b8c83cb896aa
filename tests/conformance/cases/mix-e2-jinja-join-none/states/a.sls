a:
  test.nop:
    - name: {{ none | join }}
