{% import_yaml 'defaults.yml' as defaults %}
/etc/web.conf:
  file.managed:
    - contents: {{ defaults }}
