
a:
  cmd.run:
    - name: echo a > @ROOT@/a
b:
  cmd.run:
    - name: echo b
    - onlyif: echo ran > @ROOT@/ran
c:
  cmd.run:
    - name: echo c
    - creates: @ROOT@/there
d:
  cmd.wait:
    - name: echo d
e:
  cmd.wait:
    - name: echo e
    - watch: [cmd: a]
f:
  cmd.script:
    - source: salt://s.sh
g:
  cmd.run:
    - name: echo g
    - stateful: [{test_name: 'echo changed=yes; echo t > @ROOT@/t'}]
h:
  cmd.run:
    - name: echo h
    - cwd: @ROOT@/none
i:
  cmd.run:
    - name: echo i
    - runas: nobodyhere
j:
  cmd.run:
    - name: echo j
    - check_cmd: [ "false" ]
k:
  cmd.run:
    - name: echo k
    - retry: {attempts: 2, interval: 0}
l:
  cmd.run:
    - name: echo l
    - test: False
