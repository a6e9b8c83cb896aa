{% for n in ['one', 'two', 'three', 'empty', 'blank'] %}
{{ n }}:
  file.managed:
    - name: @ROOT@/{{ n }}
    - source: salt://{{ n }}.j2
    - template: jinja
{% endfor %}
