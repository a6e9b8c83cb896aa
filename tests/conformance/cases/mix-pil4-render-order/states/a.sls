f:
  file.managed:
    - name: @ROOT@/f
    - contents: {{ pillar | json | yaml_squote }}
