a:
  ini.options_present:
    - names: [@ROOT@/a.ini, @ROOT@/b.ini]
    - sections: {s: {k: v}}
b:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
      - s: {k: w}
c:
  ini.options_present:
    - name: @ROOT@/a.ini
