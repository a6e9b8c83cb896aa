{% load_yaml as y %}
- 010
- 0o10
- 0x1F
- 0b11
- 1_000
- 1.
- .5
- 1e3
- 1.0e3
- 1.0e+3
- .inf
- -.INF
- .nan
- ~
- null
- Null
- NULL
- nul
- yes
- No
- ON
- off
- y
- n
- True
- TRUE
- tRUE
- 12:30:45
- 1:2
- 190:20:30.15
- 2020-01-01
- 2020-01-01 10:00:00
- 2020-01-01T10:00:00Z
- +5
- -5
- +.5
- 00
- 08
- 0
- -0
- 1,000
- '5'
- "x\ty\x41\u00e9"
- 'it''s'
- =
- <<
- "a
  b"
- a
  b
- |
  lit
  eral
- >
  fol
  ded

  x
- |-
  strip
- |+
  keep

- >-
  a
   b
  c
- ! tagged
- !!str 5
- !!int '7'
- !!float 3
- !!null ''
- !!bool 'yes'
- !!binary aGVsbG8=
- [a, b: c, {d: e}]
- {a, b: , c: 1}
- ? k
  : v
- - nested
- "quoted": 1
- &anc x
- *anc
- 0xG
- 1__0
- 0_7
- 0o8
- 1e5
- 1.5e5
- 12e03
- -1.5
- 6.8523015e+5
- 685.230_15e+03
- 685_230.15
- 0b1010_0111_0100_1010_1110
- 190:20:30
{% endload %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {%- for i in y %}
        {{ loop.index }} {{ i.__class__.__name__ if false else '' }}{{ [i] }} {{ 's' if i is string else 'n' if i is number else 'b' if i is boolean else 'o' }}
        {%- endfor %}
