dirs:
  file.directory:
    - names:
      - @ROOT@/a
      - @ROOT@/b
      - @ROOT@/a/c
    - mode: '0750'
@ROOT@/z:
  file.directory: []
