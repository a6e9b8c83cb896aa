a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
        s: {k: v}
c:
  ini.sections_absent:
    - name: @ROOT@/none2.ini
    - sections: [s]
d:
  ini.options_present:
    - name: @ROOT@/no/dir.ini
    - sections: {s: {k: v}}
