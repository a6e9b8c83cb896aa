
a:
  test.succeed_with_changes:
    - reload_modules: True
    - reload_grains: True
    - reload_pillar: True
    - fire_event: True
b:
  test.nop:
    - parallel: True
    - order: first
c:
  test.nop:
    - umask: '077'
d:
  file.managed:
    - name: @ROOT@/d
    - contents: x
    - umask: '077'
e:
  file.directory:
    - name: @ROOT@/e
    - umask: '077'
f:
  cmd.run:
    - name: touch @ROOT@/f
    - umask: 077
g:
  test.nop:
    - saltenv: other
    - __env__: x
