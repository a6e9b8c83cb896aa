{% from 'lib.jinja' import nope %}
x:
  test.nop:
    - name: {{ nope }}
