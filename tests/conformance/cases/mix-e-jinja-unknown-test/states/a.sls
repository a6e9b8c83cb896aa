a:
  test.nop:
    - name: {{ 'x' is nonsuch }}
