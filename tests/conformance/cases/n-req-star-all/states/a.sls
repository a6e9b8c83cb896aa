x:
  test.nop:
    - require:
      - file: '*'
f:
  file.managed:
    - name: @ROOT@/f
g:
  file.touch:
    - name: @ROOT@/g
y:
  test.nop:
    - require:
      - cmd: '*'
