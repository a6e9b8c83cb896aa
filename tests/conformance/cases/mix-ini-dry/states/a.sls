a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
        s: {x: 2, n: 1}
b:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections: {s: {x: 1}}
c:
  ini.options_absent:
    - name: @ROOT@/a.ini
    - sections: {s: [x, nope]}
d:
  ini.sections_absent:
    - name: @ROOT@/a.ini
    - sections: [s, nope]
e:
  ini.options_present:
    - name: @ROOT@/none.ini
    - sections: {s: {x: 1}}
f:
  ini.options_absent:
    - name: @ROOT@/a.ini
    - sections: {s: [nope]}
