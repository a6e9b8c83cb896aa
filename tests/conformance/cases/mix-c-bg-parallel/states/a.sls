
{% for i in range(4) %}
p{{ i }}:
  cmd.run:
    - name: echo {{ i }} > @ROOT@/p{{ i }}
    - parallel: True
{% endfor %}
j:
  cmd.run:
    - name: cat @ROOT@/p0 @ROOT@/p1 @ROOT@/p2 @ROOT@/p3 > @ROOT@/all
    - require: [cmd: p0, cmd: p1, cmd: p2, cmd: p3]
bad:
  cmd.run:
    - name: "false"
    - parallel: True
k:
  test.nop:
    - require: [cmd: bad]
