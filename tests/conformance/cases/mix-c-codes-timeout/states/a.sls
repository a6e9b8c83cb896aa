
a:
  cmd.run:
    - name: exit 5
    - success_retcodes: [5]
b:
  cmd.run:
    - name: exit 5
    - success_retcodes: 5
c:
  cmd.run:
    - name: echo yes; exit 1
    - success_stdout: ["yes"]
d:
  cmd.run:
    - name: echo err >&2; exit 1
    - success_stderr: ["err"]
e:
  cmd.run:
    - name: sleep 5
    - timeout: 1
f:
  cmd.run:
    - name: /no/such/prog
g:
  cmd.run:
    - name: echo hi
    - cwd: @ROOT@/none
h:
  cmd.run:
    - name: echo hi
    - runas: nobodyhere
i:
  cmd.run:
    - name: ''
j:
  cmd.run:
    - name: exit 0
    - success_retcodes: [1]
k:
  cmd.run:
    - name: kill -9 $$
