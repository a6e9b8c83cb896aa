
{% macro user(name, data) %}
{{ name }}-home:
  file.directory:
    - name: @ROOT@/home/{{ name }}
    - makedirs: True
    - mode: '{{ data.mode | default('0750') }}'
{% for key in data.get('keys', []) %}
{{ name }}-key-{{ loop.index }}:
  file.append:
    - name: @ROOT@/home/{{ name }}/keys
    - text: {{ key | yaml_dquote }}
    - require:
      - file: {{ name }}-home
{% endfor %}
{% endmacro %}
{% for name, data in salt.pillar.get('users', {}).items() if not data.get('absent') %}
{{ user(name, data) }}
{% else %}
none:
  test.nop: []
{% endfor %}
{% for name in pillar.users if pillar.users[name].absent is defined and pillar.users[name].absent %}
{{ name }}-gone:
  file.absent:
    - name: @ROOT@/home/{{ name }}
{% endfor %}
