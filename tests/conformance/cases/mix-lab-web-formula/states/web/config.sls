
{%- from "web/map.jinja" import web with context %}
web-conf:
  file.managed:
    - name: @ROOT@/web.conf
    - source: salt://web/files/web.conf.j2
    - template: jinja
    - context: {{ {'web': web} | json }}
    - require:
      - file: web-pkg
    - watch_in:
      - cmd: web-service
{%- for name, site in web.sites | dictsort %}
web-site-{{ name }}:
  file.managed:
    - name: @ROOT@/sites/{{ name }}
    - contents: |
        server {{ site.get('host', name) }}
        {%- for alias in site.aliases | default([]) %}
        alias {{ alias }}
        {%- endfor %}
    - makedirs: True
    - require:
      - file: web-conf
{%- endfor %}
