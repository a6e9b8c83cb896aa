{% set x = none %}
a:
  test.nop:
    - name: {{ x.y }}
