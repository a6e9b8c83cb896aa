{% set x = 'a' if false %}
x:
  test.nop:
    - name: "[{{ x }}]{{ x is defined }}{{ x|default('d') }}{{ x is none }}{% if x %}t{% else %}f{% endif %}{{ x|length }}{{ x ~ 'z' }}{{ x is string }}{{ x == '' }}{{ x|quote }}"
{% for i in x %}
y: test.nop
{% else %}
z: test.nop
{% endfor %}
