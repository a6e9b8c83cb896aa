many:
  test.fail_without_changes:
    - names:
      - m1
      - m2
after1:
  test.nop:
    - require:
      - test: m2
after2:
  test.nop:
    - names:
      - p
      - q
    - require:
      - test: many
