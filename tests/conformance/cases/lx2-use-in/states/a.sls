base:
  file.managed:
    - name: @ROOT@/base
    - mode: '0600'
    - contents: base
    - use_in:
      - file: u
      - u2
u:
  file.managed:
    - name: @ROOT@/u
u2:
  file.managed:
    - name: @ROOT@/u2
