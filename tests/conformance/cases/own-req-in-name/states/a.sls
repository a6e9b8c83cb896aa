src:
  test.nop:
    - require_in:
      - file: @ROOT@/named
named_id:
  file.managed:
    - name: @ROOT@/named
    - contents: x
