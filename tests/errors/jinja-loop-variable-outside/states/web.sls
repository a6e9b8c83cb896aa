{% for p in [1, 2] %}{% set last = p %}{% endfor %}
/etc/web.conf:
  file.managed:
    - contents: {{ last }}
