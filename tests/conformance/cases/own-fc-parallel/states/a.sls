{% for i in range(3) %}
p{{ i }}:
  cmd.run:
    - name: echo {{ i }} > @ROOT@/p{{ i }}
    - parallel: True
{% endfor %}
after:
  cmd.run:
    - name: cat @ROOT@/p0 @ROOT@/p1 @ROOT@/p2 > @ROOT@/all
    - require:
      - cmd: p0
      - cmd: p1
      - cmd: p2
bad:
  cmd.run:
    - name: exit 3
    - parallel: True
dep:
  test.nop:
    - require:
      - cmd: bad
oc:
  test.nop:
    - onchanges:
      - cmd: p1
