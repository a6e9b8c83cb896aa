{% set a = nothere %}
x:
  test.nop:
    - name: {{ a | default('d') }}
    - comment: {{ a.b | default('d') }}
