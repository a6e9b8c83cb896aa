a:
  ini.options_absent:
    - name: @ROOT@/a.ini
    - sections:
        s: [k, gone]
        t: [x]
        none: [y]
b:
  ini.options_absent:
    - name: @ROOT@/a.ini
    - sections:
        u: [last]
c:
  ini.options_absent:
    - name: @ROOT@/a.ini
    - sections: {s: [k]}
