{% from 'm.jinja' import b %}
y:
  test.nop:
    - name: {{ b }}
