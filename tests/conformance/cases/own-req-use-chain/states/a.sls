c:
  file.managed:
    - name: @ROOT@/c
    - contents: c text
    - mode: '0600'
b:
  file.managed:
    - name: @ROOT@/b
    - use:
      - file: c
a:
  file.managed:
    - name: @ROOT@/a
    - use:
      - file: b
