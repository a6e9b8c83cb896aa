a:
  cmd.run:
    - name: 'false'
    - retry: {attempts: 3, interval: 0}
b:
  file.exists:
    - name: @ROOT@/nope
    - retry: {attempts: 2, interval: 0}
c:
  test.fail_without_changes:
    - retry: {attempts: 2, interval: 0}
    - require: [{cmd: a}]
d:
  test.nop:
    - onfail: [{test: c}]
    - retry: {attempts: 2, interval: 0}
