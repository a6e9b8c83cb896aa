x:
  test.nop:
    - name: {{ 017 }}
