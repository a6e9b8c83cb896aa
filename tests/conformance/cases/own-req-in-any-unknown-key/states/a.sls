src:
  test.fail_without_changes:
    - require_any_in:
      - test: w
    - onchanges_any_in:
      - test: o
    - listen_any:
      - test: w
w:
  test.nop: []
o:
  test.nop: []
