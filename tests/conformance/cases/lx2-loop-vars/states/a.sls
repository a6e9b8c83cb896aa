{% for a, (b, c) in [(1,(2,3)),(4,(5,6))] %}
{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.cycle('x','y') }}{{ loop.previtem|default('-') }}{{ loop.nextitem|default('-') }}{{ loop.changed(a) }}-{{ a }}{{ b }}{{ c }}:
  test.nop
{% endfor %}
