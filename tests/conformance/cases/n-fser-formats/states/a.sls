{% for f in ['yaml','json','python','configparser','xml'] %}
s-{{ f }}:
  file.serialize:
    - name: @ROOT@/{{ f }}
    - dataset: {sec: {b: 1, a: 'x', l: 'y'}}
    - formatter: {{ f }}
{% endfor %}
def:
  file.serialize:
    - name: @ROOT@/def
    - dataset: {b: [1, two, 3.5, true, null], a: {n: 'on'}}
ser:
  file.serialize:
    - name: @ROOT@/ser
    - dataset: [1, 2]
    - serializer: json
opts:
  file.serialize:
    - name: @ROOT@/opts
    - dataset: {b: 1, a: 2}
    - formatter: json
    - serializer_opts:
      - indent: 4
      - sort_keys: False
merge:
  file.serialize:
    - name: @ROOT@/merge
    - dataset: {a: {c: 3}, d: 4}
    - formatter: json
    - merge_if_exists: True
mergey:
  file.serialize:
    - name: @ROOT@/mergey
    - dataset: {a: {c: 3}, l: [3]}
    - formatter: yaml
    - merge_if_exists: True
nocreate:
  file.serialize:
    - name: @ROOT@/nocreate
    - dataset: {a: 1}
    - create: False
mk:
  file.serialize:
    - name: @ROOT@/x/y/mk
    - dataset: {a: 1}
    - makedirs: True
    - mode: '0600'
nomk:
  file.serialize:
    - name: @ROOT@/z/y/mk
    - dataset: {a: 1}
pil:
  file.serialize:
    - name: @ROOT@/pil
    - dataset_pillar: conf:x
    - formatter: yaml
bad:
  file.serialize:
    - name: @ROOT@/bad
    - dataset: {a: 1}
    - formatter: nope
none:
  file.serialize:
    - name: @ROOT@/none
both:
  file.serialize:
    - name: @ROOT@/both
    - dataset: {a: 1}
    - dataset_pillar: conf
