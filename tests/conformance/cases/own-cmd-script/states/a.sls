a:
  cmd.script:
    - name: salt://s.sh
    - args: one two
b:
  cmd.script:
    - source: salt://s.sh
    - name: s.sh p q
    - env:
      - FOO: bar
c:
  cmd.script:
    - name: salt://t.sh
    - template: jinja
    - context: {v: ctx}
d:
  cmd.script:
    - name: salt://s.sh
    - args: one two 3
e:
  cmd.script:
    - name: salt://nope.sh
f:
  cmd.script:
    - name: salt://s.sh
    - creates: @ROOT@/log
g:
  cmd.script:
    - name: salt://s.sh
    - args: [l1, 'l 2']
    - cwd: @ROOT@
salt://s.sh:
  cmd.script: []
i:
  cmd.script:
    - name: salt://t.sh
    - template: jinja
    - defaults: {v: def}
