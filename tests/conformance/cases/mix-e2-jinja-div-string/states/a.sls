a:
  test.nop:
    - name: {{ 'a' / 2 }}
