empty:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
        none: {}
        some:
          k: v
nothing:
  ini.options_present:
    - name: @ROOT@/b.ini
    - sections:
        none: null
alone:
  ini.options_present:
    - name: @ROOT@/d.ini
    - sections:
        none: {}
again:
  ini.options_present:
    - name: @ROOT@/d.ini
    - sections:
        none: {}
strict:
  ini.options_present:
    - name: @ROOT@/e.ini
    - strict: True
    - sections:
        none: {}
