#!yaml
{{ web }}:
  test.nop: []
