{% nosuch %}
x:
  test.nop: []
