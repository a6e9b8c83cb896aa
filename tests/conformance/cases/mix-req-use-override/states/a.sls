
base:
  file.managed:
    - name: @ROOT@/base
    - contents: base
    - mode: '0600'
    - require:
      - test: gate
gate:
  test.fail_without_changes: []
own:
  file.managed:
    - name: @ROOT@/own
    - contents: own
    - use:
      - file: base
user:
  file.managed:
    - name: @ROOT@/user
    - use:
      - file: base
