a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
        s: {new: 1}
