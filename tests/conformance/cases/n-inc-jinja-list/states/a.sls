{% set mods = ['b', 'c'] %}
include: {{ mods }}
own:
  test.nop
