j:
  file.serialize:
    - name: @ROOT@/j.json
    - dataset: {b: 1, a: [1, two, null, true], c: {d: 1.5}}
    - formatter: json
y:
  file.serialize:
    - name: @ROOT@/y.yaml
    - dataset: {b: 1, a: [1, two, null, true], c: {d: 1.5}}
    - formatter: yaml
p:
  file.serialize:
    - name: @ROOT@/p.json
    - dataset_pillar: data:inner
    - formatter: json
m:
  file.serialize:
    - name: @ROOT@/m.json
    - dataset: {new: 1, deep: {x: 2}}
    - formatter: json
    - merge_if_exists: True
o:
  file.serialize:
    - name: @ROOT@/o.json
    - dataset: {b: 1, a: 2}
    - formatter: json
    - serializer_opts:
      - indent: 8
      - sort_keys: False
nf:
  file.serialize:
    - name: @ROOT@/nf
    - dataset: {a: 1}
    - formatter: nosuch
none:
  file.serialize:
    - name: @ROOT@/none
    - formatter: json
c:
  file.serialize:
    - name: @ROOT@/gone.json
    - dataset: {a: 1}
    - formatter: json
    - create: False
md:
  file.serialize:
    - name: @ROOT@/sub/dir/md.json
    - dataset: {a: 1}
    - formatter: json
    - makedirs: True
    - mode: '0600'
s:
  file.serialize:
    - name: @ROOT@/s.json
    - dataset: {a: ü}
    - serializer: json
