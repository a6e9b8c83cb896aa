c:
  cmd.run:
    - name: echo c >> @ROOT@/c; test $(wc -l < @ROOT@/c) -ge 2
    - retry:
        attempts: 3
        interval: 0
        foo: 1
d:
  test.configurable_test_state:
    - changes: True
    - result: False
    - retry:
        attempts: 3
        interval: 0
        foo: 1
e:
  cmd.run:
    - name: echo e >> @ROOT@/e
    - retry:
        attempts: 3
        interval: 0
        foo: 1
w:
  cmd.run:
    - name: echo w >> @ROOT@/w
    - onfail:
      - test: d
    - require:
      - cmd: c
f:
  file.managed:
    - name: @ROOT@/nd/f
    - contents: x
    - retry:
        attempts: 3
        interval: 0
        foo: 1
    - check_cmd:
      - 'true'
g:
  test.fail_with_changes:
    - retry:
        attempts: 3
        interval: 0
        foo: 1
    - unless: echo u >> @ROOT@/u; false
