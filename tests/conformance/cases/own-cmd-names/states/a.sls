a:
  cmd.run:
    - names:
      - echo 1 >> @ROOT@/log
      - echo 2 >> @ROOT@/log
      - echo 3 >> @ROOT@/log:
        - onlyif: 'false'
      - echo 4 >> @ROOT@/log
