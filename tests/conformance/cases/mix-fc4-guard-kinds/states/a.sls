
a:
  test.nop:
    - onlyif:
      - fun: cmd.run
        cmd: "echo a | grep -q b"
b:
  test.nop:
    - unless:
      - fun: cmd.retcode
        cmd: "false"
c:
  test.nop:
    - onlyif:
      - fun: cmd.run
        cmd: "echo x | grep -q x"
        python_shell: True
d:
  test.nop:
    - onlyif:
      - fun: cmd.shell
        cmd: "echo x | grep -q x"
e:
  test.nop:
    - unless:
      - fun: pillar.get
        key: k
f:
  test.nop:
    - onlyif:
      - fun: grains.equals
        key: id
        value: lab-minion
g:
  test.nop:
    - onlyif:
      - fun: match.compound
        args: ['lab* and not G@id:x']
h:
  test.nop:
    - onlyif: test -f @ROOT@/no || true
i:
  test.nop:
    - unless:
      - test -d @ROOT@/
      - test -d @ROOT@/
j:
  test.nop:
    - onlyif:
      - fun: test.kwarg
        a: 1
        get_return: a
