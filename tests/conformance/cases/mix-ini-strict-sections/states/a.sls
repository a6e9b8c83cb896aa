a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - strict: True
    - sections:
        s: {x: 1}
        t: {a: 1}
