a:
  test.nop:
    - onlyif:
      - fun: test.true
b:
  test.nop:
    - onlyif:
      - fun: test.false
c:
  test.nop:
    - unless:
      - fun: test.true
d:
  test.nop:
    - onlyif:
      - fun: file.file_exists
        path: @ROOT@/f
e:
  test.nop:
    - onlyif:
      - fun: file.file_exists
        args: [@ROOT@/none]
f:
  test.nop:
    - onlyif:
      - fun: match.grain
        tgt: 'k:v'
g:
  test.nop:
    - onlyif:
      - fun: test.true
      - fun: test.false
h:
  test.nop:
    - unless:
      - fun: test.true
      - fun: test.false
i:
  test.nop:
    - onlyif:
      - fun: test.echo
        text: ''
j:
  test.nop:
    - onlyif:
      - fun: test.echo
        text: x
k:
  test.nop:
    - onlyif:
      - fun: grains.get
        args:
          - nokey
l:
  test.nop:
    - unless:
      - fun: pillar.get
        key: nokey
m:
  test.nop:
    - onlyif:
      - fun: nope.nope
n:
  test.nop:
    - unless:
      - fun: nope.nope
o:
  test.nop:
    - onlyif:
      - fun: file.search
        path: @ROOT@/f
        pattern: hello
p:
  test.nop:
    - onlyif:
      - fun: test.kwarg
        a: 1
        get_return: a
q:
  test.nop:
    - onlyif:
      - fun: test.kwarg
        a: 0
        get_return: a
r:
  test.nop:
    - onlyif:
        fun: test.true
s:
  test.nop:
    - onlyif:
      - fun: cmd.run
        cmd: echo x
t:
  test.nop:
    - onlyif:
      - fun: cmd.shell
        cmd: 'false'
u:
  test.nop:
    - onlyif:
      - 'true'
      - fun: test.true
v:
  test.nop:
    - unless:
      - 'false'
      - fun: test.false
w:
  test.nop:
    - onlyif:
      - fun: test.echo
