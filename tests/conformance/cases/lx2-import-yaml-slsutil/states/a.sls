f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% import_yaml 'd.yaml' as d %}{% set m = salt['slsutil.merge'](d.a, salt['pillar.get']('p', {}), merge_lists=True) %}{{ m | json }}
