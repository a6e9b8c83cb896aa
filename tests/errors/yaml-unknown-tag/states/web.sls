web:
  test.nop:
    - a: !include other.yaml
