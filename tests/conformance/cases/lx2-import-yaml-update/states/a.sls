f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% import_yaml 'd.yaml' as d %}{% do d.a.update(salt['pillar.get']('p', {})) %}{{ d | json }}
