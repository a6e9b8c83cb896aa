a:
  test.succeed_with_changes:
    - unless: echo u >> @ROOT@/log; false
    - onlyif: echo o >> @ROOT@/log
    - creates: @ROOT@/nope
b:
  test.succeed_with_changes:
    - unless: echo u2 >> @ROOT@/log
    - onlyif: echo o2 >> @ROOT@/log; false
