
f:
  file.managed:
    - name: @ROOT@/f
    - contents: x
g:
  file.managed:
    - name: @ROOT@/g
    - contents: "{{ 'y' }}"
    - require: [file: f]
    - prereq_in: [cmd: p]
p:
  cmd.run:
    - name: echo p
same:
  file.managed:
    - name: @ROOT@/same
    - contents: same
w:
  cmd.wait:
    - name: echo w
    - watch: [file: f, file: same]
w2:
  cmd.wait:
    - name: echo w2
    - watch: [file: same]
oa:
  test.nop:
    - onchanges_any: [file: same, file: g]
of:
  test.nop:
    - onfail_any: [file: same, file: f]
ra:
  test.nop:
    - require_any: [file: same, file: nope]
