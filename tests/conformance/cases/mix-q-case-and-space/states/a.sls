
"My State":
  test.succeed_with_changes: []
x:
  test.nop:
    - require: [test: "My State"]
    - onchanges:
      - test: My State
y:
  test.nop:
    - require: [test: "my state"]
