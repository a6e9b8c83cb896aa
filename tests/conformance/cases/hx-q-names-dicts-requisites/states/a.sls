multi:
  cmd.run:
    - names:
      - echo a >> @ROOT@/log:
        - require:
          - cmd: echo b >> @ROOT@/log
      - echo b >> @ROOT@/log
      - echo c >> @ROOT@/log:
        - order: 1
        - unless: 'true'
      - echo d >> @ROOT@/log:
        - onlyif: 'true'
        - onchanges:
          - test: nothing
nothing:
  test.succeed_without_changes
tail:
  cmd.run:
    - name: echo tail >> @ROOT@/log
    - require:
      - cmd: multi
tail2:
  test.nop:
    - onchanges:
      - cmd: echo b >> @ROOT@/log
