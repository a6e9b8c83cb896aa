x:
  file.exists:
    - name: @ROOT@/flag
    - onlyif: echo k >> @ROOT@/count; test $(wc -l < @ROOT@/count) -lt 3 || touch @ROOT@/flag
    - retry: {attempts: 5, interval: 0}
dep:
  test.nop:
    - onchanges:
      - file: x
