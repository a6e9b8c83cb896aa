a:
  cmd.run:
    - name: echo one > @ROOT@/one
b:
  file.managed:
    - name: @ROOT@/b
    - contents: __slot__:salt:cp.get_file_str(@ROOT@/one)
    - require:
      - cmd: a
c:
  cmd.wait:
    - name: __slot__:salt:test.echo("echo w > @ROOT@/w")
    - watch:
      - file: b
d:
  cmd.run:
    - name: __slot__:salt:test.echo("echo l >> @ROOT@/l")
    - unless: test -e @ROOT@/zz
    - retry: {attempts: 2, interval: 0}
