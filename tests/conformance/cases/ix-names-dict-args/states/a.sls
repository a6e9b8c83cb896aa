many:
  file.managed:
    - makedirs: True
    - names:
      - @ROOT@/a:
        - contents: a
        - mode: '0600'
      - @ROOT@/b:
        - contents: b
      - @ROOT@/c/d
    - contents: default
    - mode: '0644'
req:
  test.nop:
    - names:
      - one:
        - require: [test: two]
      - two
      - three:
        - order: 1
