{% do raise('boom') %}
a:
  test.nop: []
