a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
        one: 1
        two: b
b:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
        two: c
c:
  ini.options_absent:
    - name: @ROOT@/a.ini
    - sections: [one]
