x:
  test.nop:
    - name: {{ 'a' | nosuch }}
