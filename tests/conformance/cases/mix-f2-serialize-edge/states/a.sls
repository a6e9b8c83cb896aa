
a:
  file.serialize:
    - name: @ROOT@/a
    - dataset: [1, {b: c}]
    - formatter: yaml
b:
  file.serialize:
    - name: @ROOT@/b
    - dataset: {s: "multi\nline\n", e: '', n: null, t: true, f: 1.0, d: 2020-01-01, l: [], m: {}, u: ü, q: "it's", y: "yes", i: "012"}
    - formatter: yaml
c:
  file.serialize:
    - name: @ROOT@/c
    - dataset: {u: ü, l: [], m: {}, n: null, f: 1.0}
    - formatter: json
d:
  file.serialize:
    - name: @ROOT@/d
    - dataset: {b: 1, a: 2}
    - serializer: json
    - serializer_opts: [{indent: 0}, {sort_keys: False}]
e:
  file.serialize:
    - name: @ROOT@/e
f:
  file.serialize:
    - name: @ROOT@/f
    - dataset: {a: 1}
    - dataset_pillar: x
g:
  file.serialize:
    - name: @ROOT@/none/g
    - dataset: {a: 1}
h:
  file.serialize:
    - name: @ROOT@/h
    - dataset: {a: 1}
    - formatter: json
    - merge_if_exists: True
i:
  file.serialize:
    - name: @ROOT@/i
    - dataset: {a: {y: 2}, l: [2]}
    - formatter: yaml
    - merge_if_exists: True
j:
  file.serialize:
    - name: @ROOT@/j
    - dataset: plain text
    - formatter: json
k:
  file.serialize:
    - name: @ROOT@/k
    - dataset: {a: 1}
    - serializer: json
    - formatter: yaml
l:
  file.serialize:
    - name: @ROOT@/l
    - dataset: {a: 1}
    - create: False
