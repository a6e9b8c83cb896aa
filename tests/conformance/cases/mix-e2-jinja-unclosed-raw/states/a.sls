{% raw %}
a:
  test.nop: []
