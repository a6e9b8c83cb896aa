
a:
  cmd.script:
    - source: salt://s.sh
    - args: one "two three"
    - cwd: @ROOT@/
    - env: [V: 1]
b:
  cmd.script:
    - name: s.sh x
    - source: salt://s.sh
    - creates: @ROOT@/one
c:
  cmd.script:
    - name: salt://none.sh
d:
  cmd.script:
    - name: salt://fail.sh
e:
  cmd.wait_script:
    - name: salt://s.sh
    - args: watched
    - watch: [cmd: a]
f:
  cmd.script:
    - name: salt://st.sh
    - stateful: True
g:
  cmd.script:
    - name: salt://s.sh
    - onlyif: "false"
