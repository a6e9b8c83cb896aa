a: test.nop
web:
  cmd.run:
    - name: 'true'
    - requier:
      - test: a
