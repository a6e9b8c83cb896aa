
a:
  file.serialize:
    - name: @ROOT@/a.json
    - dataset: {b: 1, a: [x, null, true]}
    - serializer: json
b:
  file.serialize:
    - name: @ROOT@/b.yaml
    - dataset: {b: 1, a: [x, null, true], c: {d: "1", e: 'multi
 line'}}
    - serializer: yaml
    - serializer_opts: [{default_flow_style: False}, {indent: 4}]
c:
  file.serialize:
    - name: @ROOT@/c.json
    - dataset: {new: 2, x: {z: 1}}
    - serializer: json
    - merge_if_exists: True
d:
  file.serialize:
    - name: @ROOT@/d.json
    - dataset_pillar: data
    - formatter: json
    - mode: '0600'
e:
  file.serialize:
    - name: @ROOT@/e.ini
    - dataset: {s: {k: v, n: 1}}
    - serializer: configparser
f:
  file.serialize:
    - name: @ROOT@/f.py
    - dataset: {b: 1, a: [x, null]}
    - serializer: python
g:
  file.serialize:
    - name: @ROOT@/g
    - dataset: {b: 1}
    - serializer: nope
