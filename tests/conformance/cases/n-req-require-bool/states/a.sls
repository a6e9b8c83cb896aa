x:
  test.nop:
    - require: True
y:
  test.nop:
    - require: 
z:
  test.nop:
    - require: []
