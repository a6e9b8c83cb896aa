{% from 'b.jinja' import nope %}
a:
  test.nop:
    - name: {{ nope }}
