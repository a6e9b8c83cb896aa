
a:
  cmd.run:
    - name: echo x >> @ROOT@/n; test $(wc -l < @ROOT@/n) -ge 3
    - retry: {attempts: 5, interval: 0, until: True}
    - unless: test -f @ROOT@/never
b:
  cmd.run:
    - name: echo b >> @ROOT@/nb; false
    - retry: {attempts: 3, interval: 0}
    - onlyif: test ! -f @ROOT@/stop
c:
  test.nop:
    - require: [cmd: b]
