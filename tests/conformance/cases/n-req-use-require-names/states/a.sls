base:
  file.managed:
    - names:
      - @ROOT@/a
      - @ROOT@/b
    - mode: '0600'
    - contents: zz
    - onlyif: 'false'
x:
  file.managed:
    - name: @ROOT@/x
    - use:
      - file: base
