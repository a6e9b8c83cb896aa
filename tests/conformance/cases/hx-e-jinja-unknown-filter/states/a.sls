x:
  test.nop:
    - name: {{ 'a' | frobnicate }}
