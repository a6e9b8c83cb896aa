x:
  test.succeed_with_changes:
    - check_cmd: echo c >> @ROOT@/log; test $(wc -l < @ROOT@/log) -ge 2
    - retry:
        attempts: 3
        interval: 0
