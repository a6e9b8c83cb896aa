include: [b]
extend:
  bsvc:
    cmd:
      - watch:
        - file: conf
      - onchanges_in:
        - test: later
  bfirst:
    test:
      - require_in:
        - file: conf
      - prereq_in:
        - cmd: bsvc
conf:
  file.managed:
    - name: @ROOT@/conf
    - contents: x
later: {test: [nop]}
