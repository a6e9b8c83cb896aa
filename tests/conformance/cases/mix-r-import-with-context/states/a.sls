
{%- set v = 'mine' %}
{%- from 'lib.jinja' import show with context %}
{%- import 'lib.jinja' as lib %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents:
      - "{{ show() }}"
      - "{{ lib.show() }}"
      - "{{ lib.const }}"
