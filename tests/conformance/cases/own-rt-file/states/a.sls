x:
  file.managed:
    - name: @ROOT@/x
    - source: salt://nope
    - retry:
        attempts: 2
        interval: 0
