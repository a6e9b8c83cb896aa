json:
  file.serialize:
    - name: @ROOT@/json
    - dataset: {b: 1, a: [x, null, true], c: {d: 1.5}}
    - formatter: json
yaml:
  file.serialize:
    - name: @ROOT@/yaml
    - dataset: {b: 1, a: [x, null, true], c: {d: 1.5}}
    - formatter: yaml
default:
  file.serialize:
    - name: @ROOT@/default
    - dataset: {b: 1, a: 'yes'}
merge:
  file.serialize:
    - name: @ROOT@/m.json
    - dataset: {new: 2, n: {y: 2}}
    - formatter: json
    - merge_if_exists: True
opts:
  file.serialize:
    - name: @ROOT@/opts
    - dataset: {b: 1, a: 2}
    - serializer: json
    - serializer_opts:
      - indent: 4
      - sort_keys: False
bad:
  file.serialize:
    - name: @ROOT@/bad
    - dataset: {a: 1}
    - formatter: nosuch
none:
  file.serialize:
    - name: @ROOT@/none
both:
  file.serialize:
    - name: @ROOT@/both
    - dataset: {a: 1}
    - dataset_pillar: x
mode:
  file.serialize:
    - name: @ROOT@/d/e
    - dataset: [1, 2]
    - makedirs: True
    - mode: '0600'
    - formatter: json
create:
  file.serialize:
    - name: @ROOT@/create
    - dataset: {a: 1}
    - create: False
same:
  file.serialize:
    - name: @ROOT@/json
    - dataset: {b: 1, a: [x, null, true], c: {d: 1.5}}
    - formatter: json
