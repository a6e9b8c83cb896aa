
many:
  file.managed:
    - names:
      - @ROOT@/one:
        - contents: one
        - require: [test: ok]
      - @ROOT@/two:
        - contents: two
        - mode: '0600'
      - @ROOT@/three
    - contents: dflt
ok:
  test.nop: []
