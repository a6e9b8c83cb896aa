f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://t.j2
    - template: jinja
    - context:
        d: {b: 1, a: [x, 'y', null, true]}
        l: [1, 2]
        s: text
        n: null
        f: 1.50
        t: true
