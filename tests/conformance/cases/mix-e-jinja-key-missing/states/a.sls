a:
  test.nop:
    - name: {{ {'a':1}['b'] }}
