
{% for i in range(3) %}
p{{ i }}:
  cmd.run:
    - name: echo {{ i }} > @ROOT@/p{{ i }}; {{ 'false' if i == 1 else 'true' }}
    - parallel: True
{% endfor %}
a:
  test.nop:
    - require: [cmd: p0, cmd: p2]
b:
  test.nop:
    - require: [cmd: p1]
c:
  test.nop:
    - onfail: [cmd: p1]
d:
  cmd.wait:
    - name: echo d > @ROOT@/d
    - watch: [cmd: p0]
e:
  test.nop:
    - onchanges: [cmd: p1]
