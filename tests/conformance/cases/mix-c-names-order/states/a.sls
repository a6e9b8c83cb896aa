
multi:
  cmd.run:
    - names:
      - echo 1 >> @ROOT@/log
      - echo 2 >> @ROOT@/log:
        - order: 1
      - echo 3 >> @ROOT@/log:
        - unless: "true"
      - "false":
        - retry: {attempts: 2, interval: 0}
after:
  cmd.run:
    - name: echo after >> @ROOT@/log
    - require: [cmd: "echo 3*"]
