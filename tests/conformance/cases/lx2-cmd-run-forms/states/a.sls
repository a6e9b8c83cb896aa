s00:
  cmd.run:
    - name: echo a; exit 3
    - success_retcodes: [3]
s01:
  cmd.run:
    - name: echo a; exit 3
    - success_retcodes: 3
s02:
  cmd.run:
    - name: echo a; exit 3
    - success_retcodes: '3'
s03:
  cmd.run:
    - name: echo foo
    - success_stdout: [foo]
s04:
  cmd.run:
    - name: echo foo; exit 1
    - success_stdout: [foo]
s05:
  cmd.run:
    - name: echo foo; exit 1
    - success_stdout: foo
s06:
  cmd.run:
    - name: echo e >&2; exit 1
    - success_stderr: [e]
s07:
  cmd.run:
    - name: echo a
    - cwd: /nonexistent
s08:
  cmd.run:
    - name: echo a
    - cwd: relative
s09:
  cmd.run:
    - name: pwd > @ROOT@/pwd
    - cwd: /tmp
s10:
  cmd.run:
    - name: echo $X > @ROOT@/x
    - env:
      - X: 1
s11:
  cmd.run:
    - name: echo $X > @ROOT@/x2
    - env: {X: two}
s12:
  cmd.run:
    - name: echo $X > @ROOT@/x3
    - env:
      - X: true
      - Y: ~
s13:
  cmd.run:
    - name: echo $X-$Y > @ROOT@/x4
    - env:
      - X: a b
      - Y: 'c'
s14:
  cmd.run:
    - name: echo $X
    - env: X=1
s15:
  cmd.run:
    - name: echo a
    - runas: root
s16:
  cmd.run:
    - name: echo a
    - runas: nosuchuser
s17:
  cmd.run:
    - name: echo $0 > @ROOT@/sh
    - shell: /bin/bash
s18:
  cmd.run:
    - name: echo a
    - shell: /bin/nosh
s19:
  cmd.run:
    - name: umask > @ROOT@/um
    - umask: '077'
s20:
  cmd.run:
    - name: umask > @ROOT@/um2
    - umask: 77
s21:
  cmd.run:
    - name: umask > @ROOT@/um3
    - umask: 027
s22:
  cmd.run:
    - name: sleep 5
    - timeout: 1
s23:
  cmd.run:
    - name: echo a
    - timeout: 5
s24:
  cmd.run:
    - name: echo '{"changed": true}'
    - stateful: True
s25:
  cmd.run:
    - name: echo 'changed=yes comment=hi'
    - stateful: True
s26:
  cmd.run:
    - name: echo 'changed=no'
    - stateful: True
s27:
  cmd.run:
    - name: echo ''
    - stateful: True
s28:
  cmd.run:
    - name: echo 'changed=no'; exit 2
    - stateful: True
s29:
  cmd.run:
    - name: echo 'changed=yes'; exit 2
    - stateful: True
s30:
  cmd.run:
    - name: echo hi
    - stateful: [{test_name: 'echo changed=yes'}]
s31:
  cmd.run:
    - name: echo hi
    - stateful:
      - test_name: echo t
s32:
  cmd.run:
    - name: echo changed=no
    - use_vt: False
s33:
  cmd.run:
    - name: cat > @ROOT@/in
    - stdin: hello
s34:
  cmd.run:
    - name: echo a | tee @ROOT@/tee
s35:
  cmd.run:
    - name: exit 0
    - bg: True
s36:
  cmd.run:
    - name: echo x
    - output_loglevel: quiet
s37:
  cmd.run:
    - name: echo x
    - hide_output: True
s38:
  cmd.run:
    - name: echo x
    - ignore_timeout: True
s39:
  cmd.run:
    - name: echo x
    - prepend_path: /opt/x
s40:
  cmd.run:
    - name: echo $PATH | cut -d: -f1 > @ROOT@/pp
    - prepend_path: /opt/x
s41:
  cmd.run:
    - name: echo x
    - python_shell: False
s42:
  cmd.run:
    - name: false
    - creates: @ROOT@/log
s43:
  cmd.run:
    - name: echo x
    - args: [a]
s44:
  cmd.run:
    - name: echo x
    - foo: bar
s45:
  cmd.run:
    - name: ''
s46:
  cmd.run:
    - name: '   '
s47:
  cmd.run:
    - name: |
      echo m1
      false
      echo m2
s48:
  cmd.run:
    - name: echo x
    - stateful: {test_name: echo changed=yes}
s49:
  cmd.run:
    - name: printf 'a\0b'
s50:
  cmd.run:
    - name: printf '\xff\xfe'
s51:
  cmd.run:
    - name: echo 'changed=yes foo=bar'
    - stateful: True
s52:
  cmd.run:
    - name: echo '{"comment": "c", "changed": "False"}'
    - stateful: True
s53:
  cmd.run:
    - name: echo 'not state'
    - stateful: True
s54:
  cmd.run:
    - name: printf 'line\nchanged=yes\n\n'
    - stateful: True
s55:
  cmd.run:
    - name: echo changed=true
    - stateful: True
s56:
  cmd.run:
    - name: echo changed=1
    - stateful: True
s57:
  cmd.run:
    - name: echo Changed=yes
    - stateful: True
s58:
  cmd.run:
    - name: echo "comment='a b' changed=yes"
    - stateful: True
s59:
  cmd.run:
    - name: echo '[1]'
    - stateful: True
s60:
  cmd.run:
    - name: echo '{"a": 1}'
    - stateful: True
s61:
  cmd.run:
    - name: exit 300
s62:
  cmd.run:
    - name: kill -9 $$
s63:
  cmd.run:
    - name: echo x
    - root: /
s64:
  cmd.run:
    - name: echo x
    - success_retcodes: [1]
