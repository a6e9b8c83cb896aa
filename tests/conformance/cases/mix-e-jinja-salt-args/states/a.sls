a:
  test.nop:
    - name: {{ salt['test.echo']() }}
