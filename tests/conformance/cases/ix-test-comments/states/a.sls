a:
  file.managed:
    - name: @ROOT@/new
    - contents: x
b:
  file.managed:
    - name: @ROOT@/old
    - contents: y
c:
  file.directory:
    - name: @ROOT@/d
    - mode: '0700'
d:
  file.absent:
    - name: @ROOT@/old
e:
  file.absent:
    - name: @ROOT@/nothere
f:
  file.symlink:
    - name: @ROOT@/l
    - target: /x
g:
  file.append:
    - name: @ROOT@/old
    - text: zz
h:
  file.replace:
    - name: @ROOT@/old
    - pattern: o
    - repl: x
i:
  file.touch:
    - name: @ROOT@/t
j:
  file.copy:
    - name: @ROOT@/cp
    - source: @ROOT@/old
k:
  file.rename:
    - name: @ROOT@/rn
    - source: @ROOT@/old
l:
  file.line:
    - name: @ROOT@/old
    - content: nn
    - mode: ensure
    - after: o
m:
  file.blockreplace:
    - name: @ROOT@/old
    - content: nn
    - append_if_not_found: True
n:
  file.comment:
    - name: @ROOT@/old
    - regex: ^o
o:
  file.serialize:
    - name: @ROOT@/s
    - dataset: {a: 1}
    - serializer: json
p:
  file.recurse:
    - name: @ROOT@/r
    - source: salt://src
q:
  file.accumulated:
    - name: acc
    - filename: @ROOT@/new
    - text: t
    - require_in: [file: a]
r:
  cmd.run:
    - name: echo x
s:
  cmd.script:
    - source: salt://src/f.sh
t:
  file.exists:
    - name: @ROOT@/old
u:
  file.missing:
    - name: @ROOT@/old
v:
  file.hardlink:
    - name: @ROOT@/hl
    - target: @ROOT@/old
w:
  file.keyvalue:
    - name: @ROOT@/old
    - key: o
    - value: v
    - append_if_not_found: True
x:
  file.prepend:
    - name: @ROOT@/old
    - text: first
