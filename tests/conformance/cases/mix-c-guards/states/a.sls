
a:
  cmd.run:
    - name: echo a >> @ROOT@/log
    - unless:
      - "true"
      - "false"
b:
  cmd.run:
    - name: echo b >> @ROOT@/log
    - onlyif:
      - "true"
      - "true"
c:
  cmd.run:
    - name: echo c >> @ROOT@/log
    - creates: [@ROOT@/x, @ROOT@/log]
d:
  cmd.run:
    - name: echo d >> @ROOT@/log
    - creates: [@ROOT@/log]
e:
  cmd.run:
    - name: echo e >> @ROOT@/log
    - unless:
      - fun: file.file_exists
        args: [@ROOT@/log]
f:
  cmd.run:
    - name: echo f >> @ROOT@/log
    - onlyif:
      - fun: file.search
        args: [@ROOT@/log]
        pattern: '^b'
      - fun: match.glob
        tgt: 'lab*'
g:
  cmd.run:
    - name: echo g >> @ROOT@/log
    - onlyif:
      - fun: test.false
h:
  cmd.run:
    - name: echo h >> @ROOT@/log
    - onlyif:
      - fun: test.nosuch
i:
  cmd.run:
    - name: echo i >> @ROOT@/log
    - unless:
      - fun: grains.get
        args: [nope]
j:
  cmd.run:
    - name: echo j >> @ROOT@/log
    - onlyif: []
k:
  cmd.run:
    - name: echo k >> @ROOT@/log
    - unless: ''
l:
  cmd.run:
    - name: echo l >> @ROOT@/log
    - onlyif: test "$V" = 1
    - env: [V: 1]
m:
  cmd.run:
    - name: echo m >> @ROOT@/log
    - unless:
      - fun: test.arg
        args: [1]
        kwargs: {a: 1}
n:
  cmd.run:
    - name: echo n >> @ROOT@/log
    - onlyif:
      - fun: test.echo
        args: ['']
o:
  cmd.run:
    - name: echo o >> @ROOT@/log
    - onlyif:
      - fun: pillar.get
        args: [k:l]
        get_return: x
