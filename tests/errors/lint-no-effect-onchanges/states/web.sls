a: test.nop
web:
  cmd.run:
    - name: 'true'
    - onchanges:
      - test: a
