f:
  file.managed:
    - name: @ROOT@/f
    - contents: x
m:
  module.wait:
    - name: test.echo
    - text: hi
    - watch: [file: f]
r:
  module.run:
    - test.echo:
      - text: hi
r2:
  module.run:
    - name: test.echo
    - text: ho
w:
  cmd.run:
    - name: echo x >> @ROOT@/w
    - watch: [file: f]
x:
  cmd.run:
    - name: echo x >> @ROOT@/w
    - onchanges: [file: f, test: n]
n:
  test.nop
s:
  test.show_notification:
    - text: hey
t:
  test.check_pillar:
    - present: zz
