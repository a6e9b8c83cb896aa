a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
        s: {k: 2}
