bad:
  test.fail_without_changes
x:
  cmd.run:
    - name: echo x >> @ROOT@/log
    - require:
      - test: bad
    - retry: {attempts: 3, interval: 0}
y:
  cmd.run:
    - name: echo y >> @ROOT@/log; test $(grep -c y @ROOT@/log) -ge 2
    - onfail:
      - test: bad
    - retry: {attempts: 3, interval: 0}
z:
  cmd.run:
    - name: echo z >> @ROOT@/log; exit 1
    - prereq:
      - cmd: t
    - retry: {attempts: 2, interval: 0}
t:
  cmd.run:
    - name: echo t >> @ROOT@/log
w:
  cmd.wait:
    - name: echo w >> @ROOT@/log; exit 1
    - watch:
      - cmd: y
    - retry: {attempts: 2, interval: 0}
l:
  cmd.wait:
    - name: echo l >> @ROOT@/log; exit 1
    - listen:
      - cmd: y
    - retry: {attempts: 2, interval: 0}
c:
  cmd.run:
    - name: echo c >> @ROOT@/log; exit 1
    - creates: @ROOT@/cc
    - retry: {attempts: 2, interval: 0}
d:
  cmd.run:
    - name: echo d >> @ROOT@/log; touch @ROOT@/dd; exit 1
    - creates: @ROOT@/dd
    - retry: {attempts: 3, interval: 0}
