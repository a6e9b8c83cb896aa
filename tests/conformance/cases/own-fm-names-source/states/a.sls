a:
  file.managed:
    - names:
      - @ROOT@/x:
        - source: salt://x
      - @ROOT@/y:
        - source: salt://y
        - mode: '0600'
    - mode: '0640'
