a:
  cmd.run:
    - name: echo x >> @ROOT@/n; test $(wc -l < @ROOT@/n) -ge 3
    - retry: {attempts: 4, interval: 0}
b:
  cmd.run:
    - name: echo x >> @ROOT@/m; false
    - retry:
        attempts: 2
        interval: 0
        splay: 0
c:
  test.succeed_without_changes:
    - retry: {attempts: 2, until: False, interval: 0}
d:
  cmd.run:
    - name: echo x >> @ROOT@/k; test $(wc -l < @ROOT@/k) -ge 2
    - onlyif: 'true'
    - retry:
      - attempts: 3
      - interval: 0
e:
  cmd.run:
    - name: echo x >> @ROOT@/j; false
    - retry: {attempts: '2', interval: 0}
f:
  cmd.run:
    - name: echo x >> @ROOT@/i; false
    - retry: {attempts: 0, interval: 0}
