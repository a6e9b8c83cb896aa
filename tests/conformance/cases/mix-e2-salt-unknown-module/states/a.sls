a:
  test.nop:
    - name: {{ salt['nomod.fn']() }}
