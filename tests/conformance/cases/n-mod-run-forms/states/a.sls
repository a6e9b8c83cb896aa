a:
  module.run:
    - test.echo:
      - text: x
b:
  module.run:
    - test.ping:
c:
  module.run:
    - name: test.echo
    - text: x
d:
  module.run:
    - test.false:
e:
  module.run:
    - test.nope:
      - x
f:
  module.run:
    - file.touch:
      - @ROOT@/f
    - file.chown:
      - @ROOT@/f
      - root
      - root
g:
  module.run:
    - name: file.touch
    - m_name: @ROOT@/g
h:
  module.run:
    - test.arg:
      - 1
      - 2
      - a: b
i:
  module.run: []
j:
  module.wait:
    - name: test.ping
l:
  module.run:
    - name: cmd.run
    - cmd: exit 3
m:
  module.run:
    - cmd.retcode:
      - 'false'
o:
  module.run:
    - file.write:
      - path: @ROOT@/o
      - args:
        - l1
        - l2
p:
  module.run:
    - name: file.makedirs
    - path: @ROOT@/p/q/
q:
  module.run:
    - name: nope.nope
r:
  module.run:
    - test.kwarg:
      - a: 1
      - b: 2
s:
  module.run:
    - test.retcode: 
      - code: 5
dep:
  test.nop:
    - onchanges:
      - module: b
