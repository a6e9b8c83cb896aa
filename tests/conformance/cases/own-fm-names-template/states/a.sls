a:
  file.managed:
    - names:
      - @ROOT@/one:
        - source: salt://one.txt
      - @ROOT@/two:
        - source: salt://two.txt
    - makedirs: True
