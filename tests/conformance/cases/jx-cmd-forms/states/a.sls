a:
  cmd.run:
    - name: [echo a, echo b]
b:
  cmd.run:
    - name: exit 3
    - success_retcodes: [3]
c:
  cmd.run:
    - name: echo hello
    - success_stdout: [hello]
d:
  cmd.run:
    - name: echo hello; false
    - success_stdout: [hello]
e:
  cmd.run:
    - name: 'echo $FOO $BAR > @ROOT@/env'
    - env:
      - FOO: 1
      - BAR: 'true'
f:
  cmd.run:
    - name: echo x
    - env: {A: b}
    - cwd: /nonexistent
g:
  cmd.run:
    - name: echo $0
    - shell: /bin/bash
h:
  cmd.run:
    - name: sleep 5
    - timeout: 1
i:
  cmd.run:
    - name: echo '{"changed":false}'
    - stateful: True
j:
  cmd.run:
    - name: echo 'changed=yes comment="hi" x=1'
    - stateful: True
k:
  cmd.run:
    - name: nonexistent_command_x
l:
  cmd.run:
    - name: echo u
    - runas: nosuchuser
n:
  cmd.run:
    - name: umask > @ROOT@/um
    - umask: '077'
o:
  cmd.run:
    - names: [echo 1, 'false']
p:
  cmd.wait:
    - name: echo w
    - watch: [cmd: a]
q:
  cmd.run:
    - name: echo w
    - stateful:
      - test_name: echo changed=yes
r:
  cmd.run:
    - name: 'true'
    - ignore_timeout: True
    - output_loglevel: quiet
s:
  cmd.run:
    - name: echo x >&2; exit 1
    - success_stderr: [x]
