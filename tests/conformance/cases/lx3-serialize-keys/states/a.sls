n:
  file.serialize:
    - name: @ROOT@/n
    - serializer: json
    - dataset: {10: 1.0e+16, 9: {b: 1, a: []}, true: ü, 2.5: 1.0e-7}
m:
  file.serialize:
    - name: @ROOT@/m
    - serializer: json
    - dataset: {1: a, b: c}
u:
  file.serialize:
    - name: @ROOT@/u
    - serializer: json
    - dataset: {1: a, b: c}
    - serializer_opts: [{sort_keys: False}]
