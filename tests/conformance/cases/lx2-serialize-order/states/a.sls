a:
  file.serialize:
    - name: @ROOT@/a
    - serializer: json
    - dataset: {10: a, 9: {b: 1, a: 2}}
b:
  file.serialize:
    - name: @ROOT@/b
    - serializer: configparser
    - dataset: {s: {k: v}, DEFAULT: {d: 1}}
