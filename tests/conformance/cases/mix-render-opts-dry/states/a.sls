{% if opts.test %}
dry:
  test.nop: []
{% else %}
real:
  test.nop: []
{% endif %}
