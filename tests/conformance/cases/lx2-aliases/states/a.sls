f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% set a = [1] %}{% set b = a %}{% do b.append(2) %}{{ a }} {% set c = a[:] %}{% do c.append(3) %}{{ a }} {{ a + [4] }} {{ a }}
