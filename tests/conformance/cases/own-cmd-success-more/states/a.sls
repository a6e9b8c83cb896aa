stderr:
  cmd.run:
    - name: echo bad >&2; exit 1
    - success_stderr: ['bad']
int:
  cmd.run:
    - name: exit 5
    - success_retcodes: 5
str:
  cmd.run:
    - name: exit 5
    - success_retcodes: '5'
liststr:
  cmd.run:
    - name: exit 5
    - success_retcodes: ['5']
zero-not-in:
  cmd.run:
    - name: exit 0
    - success_retcodes: [7]
