{% from 'mpa.jinja' import port %}
/etc/web.conf:
  file.managed:
    - contents: {{ port }}
