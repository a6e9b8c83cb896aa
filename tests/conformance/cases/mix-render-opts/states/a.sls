
f:
  file.managed:
    - name: @ROOT@/f
    - contents: "{{ opts.test }} {{ opts.get('saltenv') }} {{ opts['file_client'] }} {{ opts.id }}"
{% if not opts['test'] %}
real:
  test.nop: []
{% endif %}
