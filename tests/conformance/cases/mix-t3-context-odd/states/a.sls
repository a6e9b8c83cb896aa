
a:
  file.managed:
    - name: @ROOT@/a
    - source: salt://t
    - template: jinja
    - context:
        l: [1, {x: y}]
        d: {k: {n: 1}}
        n: null
        b: yes
        i: 0644
        s: "{{ '{{' }} raw }}"
    - defaults: {z: dz, b: overridden}
b:
  file.managed:
    - name: @ROOT@/b
    - source: salt://t
    - template: jinja
    - context: notamap
c:
  file.managed:
    - name: @ROOT@/c
    - source: salt://t
    - template: jinja
d:
  file.managed:
    - name: @ROOT@/d
    - contents: "{{ '{{' }} 1 + 1 }} {{ '{{' }} v }}"
    - template: jinja
    - context: {v: ctx}
e:
  file.managed:
    - name: @ROOT@/e
    - contents_pillar: tpl
    - template: jinja
    - context: {v: ctx}
