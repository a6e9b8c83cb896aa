s:
  cmd.script:
    - source: salt://run.sh
    - cwd: @ROOT@
n:
  cmd.script:
    - name: salt://run.sh
    - args: a 'b c'
    - cwd: @ROOT@
na:
  cmd.script:
    - name: run.sh x y
    - source: salt://run.sh
    - cwd: @ROOT@
f:
  cmd.script:
    - source: salt://run.sh
    - cwd: @ROOT@
    - env:
      - CODE: 4
t:
  cmd.script:
    - source: salt://t.sh
    - template: jinja
    - context: {v: ctx}
t2:
  cmd.script:
    - source: salt://t.sh
    - template: jinja
    - defaults: {v: dft}
miss:
  cmd.script:
    - source: salt://none.sh
loc:
  cmd.script:
    - source: @ROOT@/loc.sh
cre:
  cmd.script:
    - source: salt://run.sh
    - creates: /etc
unl:
  cmd.script:
    - source: salt://run.sh
    - unless: test -d /etc
st:
  cmd.script:
    - source: salt://st.sh
    - stateful: True
w:
  cmd.wait_script:
    - source: salt://run.sh
    - cwd: @ROOT@
    - watch:
      - cmd: s
dirc:
  cmd.script:
    - source: salt://run.sh
    - cwd: @ROOT@/none
