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
      - fun: test.false
d:
  test.nop:
    - onlyif:
      - fun: file.file_exists
        path: @ROOT@/here
e:
  test.nop:
    - onlyif:
      - fun: file.file_exists
        args: ['@ROOT@/nothere']
f:
  test.nop:
    - onlyif:
      - fun: test.echo
        text: ''
g:
  test.nop:
    - onlyif:
      - fun: test.arg
        args: [1]
        get_return: args
h:
  test.nop:
    - onlyif:
      - fun: test.arg
        args: [1]
        get_return: nope
i:
  test.nop:
    - onlyif:
      - fun: nope.nope
j:
  test.nop:
    - unless:
      - fun: nope.nope
k:
  test.nop:
    - onlyif: [test -e @ROOT@/here, {fun: test.true}]
l:
  test.nop:
    - unless: [false, 'false']
m:
  test.nop:
    - onlyif: ''
n:
  test.nop:
    - unless: []
o:
  test.nop:
    - onlyif: [5]
p:
  test.nop:
    - onlyif:
        fun: test.false
q:
  test.nop:
    - unless:
      - fun: cmd.run
        cmd: echo hi
r:
  test.nop:
    - unless:
      - fun: match.glob
        tgt: 'lab*'
s:
  test.nop:
    - onlyif:
      - fun: pillar.get
        key: zz
t:
  test.nop:
    - onlyif:
      - fun: file.search
        path: @ROOT@/here
        pattern: zzz
