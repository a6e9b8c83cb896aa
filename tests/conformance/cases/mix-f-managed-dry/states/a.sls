
a:
  file.managed:
    - name: @ROOT@/f
    - contents: new
b:
  file.managed:
    - name: @ROOT@/f
    - contents: old
    - mode: '0600'
c:
  file.managed:
    - name: @ROOT@/no/f
    - contents: x
d:
  file.managed:
    - name: @ROOT@/no/f
    - contents: x
    - makedirs: True
e:
  file.managed:
    - name: @ROOT@/g
    - replace: False
    - contents: z
f:
  file.directory:
    - name: @ROOT@/dd
    - clean: True
g:
  file.absent:
    - name: @ROOT@/f
h:
  file.append:
    - name: @ROOT@/f
    - text: old
i:
  file.recurse:
    - name: @ROOT@/r
    - source: salt://none
j:
  file.replace:
    - name: @ROOT@/none
    - pattern: x
    - repl: y
l:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: s
    - marker_end: e
    - content: x
    - append_if_not_found: True
m:
  file.line:
    - name: @ROOT@/f
    - mode: ensure
    - content: q
    - after: old
n:
  file.comment:
    - name: @ROOT@/f
    - regex: ^old
o:
  file.prepend:
    - name: @ROOT@/f
    - text: top
p:
  file.serialize:
    - name: @ROOT@/s
    - dataset: {a: 1}
q:
  file.hardlink:
    - name: @ROOT@/hl
    - target: @ROOT@/f
r:
  file.keyvalue:
    - name: @ROOT@/f
    - key: old
    - value: x
    - append_if_not_found: True
