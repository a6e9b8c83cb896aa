c:
  test.nop:
    - a: {{ b }}
