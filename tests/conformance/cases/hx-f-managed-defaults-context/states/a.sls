f1:
  file.managed:
    - name: @ROOT@/f1
    - source: salt://t.j2
    - template: jinja
    - defaults: {who: default, only: d, nest: {a: 1}}
    - context: {who: context, nest: {b: 2}}
f2:
  file.managed:
    - names:
      - @ROOT@/f2a:
        - context: {who: a}
      - @ROOT@/f2b
    - source: salt://t.j2
    - template: jinja
    - defaults: {who: default, only: d, nest: {}}
f3:
  file.managed:
    - name: @ROOT@/f3
    - source: salt://t.j2
    - template: jinja
    - context: {name: ctxname, source: ctxsource, salt: x}
    - defaults: {only: 1, who: 2, nest: 3}
f4:
  file.managed:
    - name: @ROOT@/f4
    - source: salt://t.j2
    - defaults: {who: never}
f5:
  file.managed:
    - name: @ROOT@/f5
    - source: salt://t.j2
    - template: jinja
    - context: null
    - defaults: {only: 1, who: 2, nest: 3}
f6:
  file.managed:
    - name: @ROOT@/f6
    - source: salt://t.j2
    - template: jinja
    - context: [1]
f7:
  file.managed:
    - name: @ROOT@/f7
    - source: salt://t.j2
    - template: jinja
    - defaults: text
