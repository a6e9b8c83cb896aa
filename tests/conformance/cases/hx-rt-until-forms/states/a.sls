r1:
  cmd.run:
    - name: echo x >> @ROOT@/r1; test $(wc -l < @ROOT@/r1) -ge 3
    - retry: {attempts: 5, interval: 0}
r2:
  cmd.run:
    - name: echo x >> @ROOT@/r2; false
    - retry:
        attempts: 3
        interval: 0
        until: False
r3:
  test.succeed_with_changes:
    - retry:
        attempts: 2
        interval: 0
        until: False
r5:
  cmd.run:
    - name: echo x >> @ROOT@/r5; false
    - retry: {attempts: '3', interval: 0}
r6:
  cmd.run:
    - name: echo x >> @ROOT@/r6; false
    - retry: {attempts: -1, interval: 0}
r7:
  cmd.run:
    - name: echo x >> @ROOT@/r7; false
    - retry: {attempts: 2, interval: 0, splay: 0, unknown: 1}
r8:
  cmd.run:
    - name: echo x >> @ROOT@/r8; test $(wc -l < @ROOT@/r8) -ge 2
    - retry: {attempts: 3, interval: 0}
    - onchanges: [{test: r3}]
    - unless: test -e @ROOT@/r8b
