f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% macro add(l) %}{% do l.append('m') %}{% endmacro %}{% set l = [] %}{{ add(l) }}{{ l }}
