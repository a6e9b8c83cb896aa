p:
  test.succeed_with_changes:
    - parallel: True
w:
  cmd.wait:
    - name: echo w >> @ROOT@/log
    - watch:
      - test: p
q:
  test.succeed_without_changes:
    - parallel: True
    - require:
      - cmd: w
f:
  file.managed:
    - name: @ROOT@/f
    - contents: x
    - parallel: True
u:
  test.nop:
    - parallel: True
    - unless: 'true'
