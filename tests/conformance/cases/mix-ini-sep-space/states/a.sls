a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - separator: ' '
    - sections:
        s: {k: v}
