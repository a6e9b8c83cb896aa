f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% from 'm/map.jinja' import cfg with context %}{{ cfg.port }} {{ cfg | json }}
