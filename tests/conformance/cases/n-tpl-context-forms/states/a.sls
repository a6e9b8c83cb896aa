a:
  file.managed:
    - name: @ROOT@/a
    - source: salt://t.j2
    - template: jinja
    - context: {v: 1}
    - defaults: {v: 2, w: 3}
b:
  file.managed:
    - name: @ROOT@/b
    - source: salt://t.j2
    - template: jinja
    - defaults: {v: 2}
    - v: kw
c:
  file.managed:
    - name: @ROOT@/c
    - source: salt://t.j2
    - template: jinja
d:
  file.managed:
    - name: @ROOT@/d
    - source: salt://t.j2
    - context: {v: 1}
e:
  file.managed:
    - name: @ROOT@/e
    - source: salt://t.j2
    - template: jinja
    - context:
        v: [1, {a: b}]
        w: null
f:
  file.managed:
    - name: @ROOT@/f
    - contents: '{{ '{{ v }}' }}'
    - template: jinja
    - defaults: {v: q}
g:
  file.managed:
    - name: @ROOT@/g
    - contents_pillar: tplt
    - template: jinja
    - context: {v: pil}
h:
  file.managed:
    - name: @ROOT@/h
    - source: salt://t.j2
    - template: jinja
    - context:
      - v: 1
i:
  file.managed:
    - name: @ROOT@/i
    - source: salt://t.j2
    - template: jinja
    - context: {}
    - defaults: {v: only}
j:
  file.managed:
    - name: @ROOT@/j
    - source: salt://t.j2
    - template: null
