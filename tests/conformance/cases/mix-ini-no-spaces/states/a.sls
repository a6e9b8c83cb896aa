a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - no_spaces: True
    - sections:
        s: {k: v}
        t: {u: "a=b"}
