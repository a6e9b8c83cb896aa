{% if false %}
x:
  test.nop:
    - name: {{ 'a' | frobnicate }}
{% endif %}
y: {test: [nop]}
