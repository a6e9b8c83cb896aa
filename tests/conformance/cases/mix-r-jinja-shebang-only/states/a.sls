#!jinja
x:
  test.nop: []
