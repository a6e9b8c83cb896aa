web:
  test.nop:
    - require:
      - test: 8080
'8080': test.nop
