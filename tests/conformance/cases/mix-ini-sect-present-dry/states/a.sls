a:
  ini.sections_present:
    - name: @ROOT@/a.ini
    - sections: [s]
