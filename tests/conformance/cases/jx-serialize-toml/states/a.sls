t:
  file.serialize:
    - name: @ROOT@/t
    - dataset: {a: 1, b: {c: [x, y]}}
    - serializer: toml
y:
  file.serialize:
    - name: @ROOT@/y
    - dataset: {b: {c: [x, y]}, a: 1}
    - serializer: yaml
p:
  file.serialize:
    - name: @ROOT@/p
    - dataset: {b: 1, a: [x, 'y z', null, true]}
    - serializer: python
c:
  file.serialize:
    - name: @ROOT@/c
    - dataset: {s: {k: v, n: 1}}
    - serializer: configparser
k:
  file.serialize:
    - name: @ROOT@/k
    - dataset: {a: 1}
    - serializer: nope
