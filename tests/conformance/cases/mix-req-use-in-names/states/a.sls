
base:
  file.managed:
    - contents: base
    - names: [@ROOT@/b1, @ROOT@/b2]
    - mode: '0640'
    - use_in:
      - file: other
other:
  file.managed:
    - name: @ROOT@/other
