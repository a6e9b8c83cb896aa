a:
  ini.options_present:
    - name: @ROOT@/a.ini
    - sections:
        "s t": {"a.b": 1, "c d": 2}
        "x:y": {k: "v;w # c"}
