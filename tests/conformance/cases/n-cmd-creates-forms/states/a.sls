a:
  cmd.run:
    - name: echo a >> @ROOT@/log
    - creates: []
b:
  cmd.run:
    - name: echo b >> @ROOT@/log
    - creates: ''
c:
  cmd.run:
    - name: echo c >> @ROOT@/log
    - creates: @ROOT@/dir
d:
  cmd.run:
    - name: echo d >> @ROOT@/log
    - creates: @ROOT@/*.x
e:
  cmd.run:
    - name: echo e >> @ROOT@/log
    - creates: @ROOT@/dangling
f:
  cmd.run:
    - name: echo f >> @ROOT@/log
    - creates: {a: b}
g:
  cmd.run:
    - name: echo g >> @ROOT@/log
    - creates: 5
h:
  cmd.run:
    - name: echo h >> @ROOT@/log
    - creates:
