x:
  file.managed:
    - names:
      - @ROOT@/one
      - @ROOT@/two:
        - contents: two
        - mode: '0600'
      - @ROOT@/three:
        - source: salt://src.txt
        - require:
          - test: z
    - contents: dflt
z:
  test.nop
