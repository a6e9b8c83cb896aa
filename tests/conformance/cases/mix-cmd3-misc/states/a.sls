
a:
  cmd.run:
    - name: echo out; echo err >&2
    - output_loglevel: quiet
    - hide_output: True
b:
  cmd.run:
    - name: sleep 3 && echo late > @ROOT@/late
    - timeout: 1
    - retry: {attempts: 2, interval: 0}
c:
  cmd.run:
    - name: echo bg > @ROOT@/bg
    - bg: True
d:
  cmd.run:
    - name: echo $PATH | cut -d: -f1 > @ROOT@/path
    - prepend_path: /my/bin
e:
  cmd.run:
    - name: exit 2
    - ignore_timeout: True
f:
  cmd.run:
    - name: test -t 0 && echo tty > @ROOT@/tty || echo notty > @ROOT@/tty
g:
  cmd.run:
    - names: []
h:
  cmd.run:
    - name: echo x > @ROOT@/x
    - use_vt: False
    - output_encoding: utf-8
i:
  cmd.wait:
    - name: echo i >> @ROOT@/log
    - watch: [cmd: h]
    - creates: @ROOT@/x
j:
  cmd.run:
    - name: exit 1
    - success_retcodes: 1
    - stateful: False
