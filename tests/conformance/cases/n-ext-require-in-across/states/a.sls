include: [b]
extend:
  svc:
    cmd:
      - watch:
        - file: conf
  other:
    test:
      - require_in:
        - cmd: svc
conf:
  file.managed:
    - name: @ROOT@/c
    - contents: x
