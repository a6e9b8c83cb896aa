
a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
        s1: {k: v, n: 5}
        s2: {b: True}
b:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
        s1: {k: v}
c:
  ini.options_present:
    - name: @ROOT@/a.ini
    - strict: True
    - sections:
        s1: {k: w}
d:
  ini.options_absent:
    - name: @ROOT@/a.ini
    - sections:
        s2: [b]
f:
  ini.options_present:
    - name: @ROOT@/b.ini
    - separator: ':'
    - sections:
        s: {x: y}
g:
  ini.options_present:
    - name: @ROOT@/b.ini
    - sections:
        top: val
