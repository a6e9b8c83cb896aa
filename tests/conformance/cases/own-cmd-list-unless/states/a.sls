a:
  cmd.run:
    - name: echo a >> @ROOT@/log
    - unless: ['true', 'false']
b:
  cmd.run:
    - name: echo b >> @ROOT@/log
    - unless: ['true', 'true']
c:
  cmd.run:
    - name: echo c >> @ROOT@/log
    - onlyif: ['true', 'false']
d:
  cmd.run:
    - name: echo d >> @ROOT@/log
    - onlyif: []
e:
  cmd.run:
    - name: echo e >> @ROOT@/log
    - unless: []
f:
  cmd.run:
    - name: echo f >> @ROOT@/log
    - unless: ''
g:
  cmd.run:
    - name: echo g >> @ROOT@/log
    - onlyif: ''
h:
  cmd.run:
    - name: echo h >> @ROOT@/log
    - onlyif: null
i:
  cmd.run:
    - name: echo i >> @ROOT@/log
    - unless: nosuchcommand_x
j:
  cmd.run:
    - name: echo j >> @ROOT@/log
    - onlyif: nosuchcommand_x
k:
  cmd.run:
    - name: echo k >> @ROOT@/log
    - onlyif: 5
l:
  cmd.run:
    - name: echo l >> @ROOT@/log
    - onlyif: ['true']
    - unless: ['false']
    - creates: @ROOT@/nope
