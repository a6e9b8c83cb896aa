x:
  cmd.run:
    - names:
      - echo a >> @ROOT@/a; test $(wc -l < @ROOT@/a) -ge 2
      - echo b >> @ROOT@/b
    - retry:
        attempts: 3
        interval: 0
