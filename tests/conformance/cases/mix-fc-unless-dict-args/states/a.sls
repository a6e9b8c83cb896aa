
a:
  test.nop:
    - unless:
      - fun: file.directory_exists
        path: @ROOT@/
b:
  test.nop:
    - onlyif:
      - fun: file.contains
        args: [@ROOT@/f, hello]
      - test -f @ROOT@/f
c:
  test.nop:
    - unless:
      - fun: cmd.run
        cmd: "true"
        python_shell: True
d:
  test.nop:
    - onlyif:
      - fun: pillar.get
        args: [no]
e:
  test.nop:
    - unless: False
f:
  test.nop:
    - onlyif: "exit 3"
g:
  test.nop:
    - onlyif: {fun: test.true}
h:
  test.nop:
    - unless:
      - [ "true" ]
i:
  test.nop:
    - onlyif: 5
