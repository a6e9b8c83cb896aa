a:
  file.managed:
    - name: @ROOT@/a
    - contents: __slot__:salt:test.arg('x y', k="q").args.0
b:
  file.managed:
    - name: __slot__:salt:file.join(@ROOT@, b)
    - contents: b
c:
  test.nop:
    - require:
      - file: b
      - file: @ROOT@/b
d:
  cmd.run:
    - name: echo $V > @ROOT@/d
    - env:
      - V: __slot__:salt:grains.get(id)
e:
  file.managed:
    - name: @ROOT@/e
    - contents: __slot__:salt:test.echo(a).b
f:
  file.managed:
    - name: @ROOT@/f
    - contents: __slot__:salt:test.arg(x).args.0~/tail
g:
  file.managed:
    - name: @ROOT@/g
    - contents: __slot__:salt:test.exception(x)
