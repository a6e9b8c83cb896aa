{% from 'm.jinja' import nothere %}
x:
  test.nop:
    - name: {{ nothere }}
