'a: b':
  test.nop
x:
  test.nop:
    - require:
      - test: 'a: b'
http://x/y:
  test.nop
z:
  test.nop:
    - require:
      - http://x/y
      - test: http://x/*
