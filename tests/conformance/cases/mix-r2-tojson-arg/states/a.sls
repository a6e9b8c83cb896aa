
f:
  file.managed:
    - name: @ROOT@/f
    - contents: {{ "multi
line: 'q' \"d\" <&>" | tojson }}
g:
  file.managed:
    - name: @ROOT@/g
    - contents: {{ ['a', 'b: c'] | tojson }}
h:
  file.serialize:
    - name: @ROOT@/h
    - formatter: json
    - dataset: {{ {'a': [1, {'b': none}], 'u': 'ü'} | tojson }}
