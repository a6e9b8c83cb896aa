
{%- from tpldir ~ "/map.jinja" import web with context %}
include:
  - .config
  - .service
web-pkg:
  file.managed:
    - name: @ROOT@/pkg
    - contents: {{ web.pkg }}
