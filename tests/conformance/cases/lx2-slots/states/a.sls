a:
  cmd.run:
    - name: __slot__:salt:test.echo("echo slot > @ROOT@/s")
b:
  file.managed:
    - name: @ROOT@/b
    - contents: __slot__:salt:test.echo(text=hello)
e:
  file.managed:
    - name: @ROOT@/e
    - contents: __slot__:salt:nope.nope(x)
f:
  file.managed:
    - name: @ROOT@/f
    - contents: __slot__:foo
g:
  file.managed:
    - name: @ROOT@/g
    - contents:
      - __slot__:salt:test.echo(item)
      - plain
i:
  test.configurable_test_state:
    - result: __slot__:salt:test.ping()
    - changes: False
