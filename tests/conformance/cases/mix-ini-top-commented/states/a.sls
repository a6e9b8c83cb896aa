a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
        k: new
        m: more
        s: {q: 1}
