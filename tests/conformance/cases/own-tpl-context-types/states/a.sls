f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://t.j2
    - template: jinja
    - context:
        l: [{k: v}]
        o: {a: {b: c}}
        t: off
        i: 08
        s: ab
g:
  file.managed:
    - name: @ROOT@/g
    - source: salt://t.j2
    - template: jinja
    - context:
        l: [{k: v}]
        o: {a: {b: c}}
        t: off
        i: 8
        s: ab
