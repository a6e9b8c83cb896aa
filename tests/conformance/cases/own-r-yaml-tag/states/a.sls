a:
  test.nop:
    - name: !!python/object:os.system x
