a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
        s: {a: 1, b: true, c: null, d: 1.5, e: [1, 2], f: ""}
