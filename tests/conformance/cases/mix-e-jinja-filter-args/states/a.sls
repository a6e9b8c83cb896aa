a:
  test.nop:
    - name: {{ 'x'|replace }}
