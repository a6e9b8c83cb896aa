src:
  test.nop:
    - require_in:
      - test: nowhere
other:
  file.managed:
    - name: @ROOT@/x
    - contents: x
