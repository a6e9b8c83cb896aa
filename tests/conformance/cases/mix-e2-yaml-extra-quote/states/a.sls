a:
  test.nop:
    - name: 'it's'
