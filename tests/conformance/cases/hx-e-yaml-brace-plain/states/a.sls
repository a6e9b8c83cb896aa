x:
  test.nop:
    - name: {{ {'a': 'b'} }}
    - comment: {{ ['a', 'b'] }}
