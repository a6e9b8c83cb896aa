s00:
  cmd.script:
    - name: salt://s.sh
s01:
  cmd.script:
    - name: salt://s.sh
    - args: a b
s02:
  cmd.script:
    - name: n1
    - source: salt://s.sh
    - args: "'q q' r"
s03:
  cmd.script:
    - name: n2
    - source: salt://fail.sh
s04:
  cmd.script:
    - name: n3
    - source: salt://nope.sh
s05:
  cmd.script:
    - name: n4
    - source: salt://t.sh
    - template: jinja
    - context: {v: 7}
s06:
  cmd.script:
    - name: n5
    - source: salt://t.sh
    - template: jinja
    - defaults: {v: 8}
s07:
  cmd.script:
    - name: n6
    - source: salt://s.sh
    - env:
      - EV: e
s08:
  cmd.script:
    - name: n7
    - source: salt://s.sh
    - cwd: @ROOT@
s09:
  cmd.script:
    - name: n8
    - source: salt://st.sh
    - stateful: True
s10:
  cmd.script:
    - name: n9
    - source: salt://s.sh
    - onlyif: 'false'
s11:
  cmd.script:
    - name: n10
    - source: salt://s.sh
    - creates: @ROOT@/log
s12:
  cmd.script:
    - name: n11
    - source: salt://fail.sh
    - success_retcodes: [4]
s13:
  cmd.script:
    - name: salt://s.sh x y
s14:
  cmd.script:
    - name: n12
    - source: @ROOT@/local.sh
s15:
  cmd.script:
    - name: @ROOT@/local.sh
s16:
  cmd.script:
    - name: n13
    - source: salt://noshebang
s17:
  cmd.script:
    - name: n14
    - source: salt://s.sh
    - shell: /bin/bash
s18:
  cmd.script:
    - name: n15
    - source: salt://s.sh
    - umask: '077'
s19:
  cmd.script:
    - name: n16
    - source: salt://s.sh
    - stdin: hello
s20:
  cmd.script:
    - name: n17
    - source: salt://py.py
s21:
  cmd.script:
    - name: n18
    - source: salt://s.sh
    - hide_output: True
s22:
  cmd.script:
    - name: n19
    - source: salt://s.sh
    - runas: nosuch
s23:
  cmd.script:
    - name: n20
    - source: salt://s.sh
    - timeout: 20
