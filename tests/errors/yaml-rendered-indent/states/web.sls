{% set text = 'one
two: x
  three' %}
/etc/web.conf:
  file.managed:
    - contents: {{ text }}
