a:
  test.succeed_with_changes:
    - onlyif:
      - fun: test.echo
        args: [x]
b:
  test.succeed_with_changes:
    - onlyif:
      - fun: test.arg
        args: [1]
        deep: {flag: true}
        get_return: kwargs:deep:flag
c:
  test.succeed_with_changes:
    - onlyif:
      - fun: test.arg
        args: [1]
        get_return: nope:x
d:
  test.succeed_with_changes:
    - unless:
      - fun: test.false
      - fun: test.true
e:
  test.succeed_with_changes:
    - unless:
      - fun: test.true
      - fun: test.true
f:
  test.succeed_with_changes:
    - onlyif:
      - fun: nope.nope
g:
  test.succeed_with_changes:
    - onlyif:
      - fun: test.echo
h:
  test.succeed_with_changes:
    - unless:
      - fun: nope.nope
i:
  test.succeed_with_changes:
    - onlyif:
        fun: test.false
j:
  test.succeed_with_changes:
    - unless:
        fun: test.true
k:
  test.succeed_with_changes:
    - onlyif:
      - fun: test.echo
        text: x
l:
  test.succeed_with_changes:
    - onlyif:
      - fun: test.echo
        text: ''
