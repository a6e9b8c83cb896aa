{% from 'map.jinja' import prot %}
/etc/web.conf:
  file.managed:
    - contents: {{ prot }}
