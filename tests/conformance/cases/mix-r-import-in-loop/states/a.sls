
{%- for i in [1,2] %}
{%- import 'lib.jinja' as lib with context %}
"f{{ i }}":
  file.managed:
    - name: @ROOT@/f{{ i }}
    - contents: "{{ lib.val }}"
{%- endfor %}
