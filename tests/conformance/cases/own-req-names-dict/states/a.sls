many:
  file.managed:
    - names:
      - @ROOT@/m1:
        - contents: one
      - @ROOT@/m2:
        - contents: two
        - mode: '0600'
      - @ROOT@/m3
    - contents: shared
