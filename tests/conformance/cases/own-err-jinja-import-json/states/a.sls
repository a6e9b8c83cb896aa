{% import_json 'd.json' as d %}
x:
  test.nop: []
