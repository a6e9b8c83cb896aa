x:
  test.nop:
    - name: {{ salt['test.echo']() }}
