a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - separator: '='
    - sections:
        main:
          k: new
          n: 5
        extra:
          x: y
b:
  ini.options_absent:
    - name: @ROOT@/b.ini
    - sections:
        main:
          - k
c:
  ini.sections_absent:
    - name: @ROOT@/c.ini
    - sections:
      - gone
d:
  ini.sections_present:
    - name: @ROOT@/d.ini
    - sections:
        fresh:
          a: 1
