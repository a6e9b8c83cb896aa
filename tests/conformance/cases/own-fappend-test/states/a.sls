a:
  file.append:
    - name: @ROOT@/f
    - text: new
b:
  file.prepend:
    - name: @ROOT@/f
    - text: one
c:
  file.replace:
    - name: @ROOT@/f
    - pattern: one
    - repl: uno
d:
  file.line:
    - name: @ROOT@/f
    - content: x
    - mode: ensure
    - after: one
e:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: S
    - marker_end: E
    - content: x
    - append_if_not_found: True
f:
  file.comment:
    - name: @ROOT@/f
    - regex: ^one
g:
  file.absent:
    - name: @ROOT@/f
h:
  file.copy:
    - name: @ROOT@/c
    - source: @ROOT@/f
i:
  file.rename:
    - name: @ROOT@/r
    - source: @ROOT@/f
j:
  file.symlink:
    - name: @ROOT@/l
    - target: @ROOT@/f
k:
  file.touch:
    - name: @ROOT@/t
l:
  file.serialize:
    - name: @ROOT@/s
    - dataset: {a: 1}
    - formatter: json
m:
  file.recurse:
    - name: @ROOT@/rec
    - source: salt://tree
n:
  file.exists:
    - name: @ROOT@/gone
o:
  file.uncomment:
    - name: @ROOT@/f
    - regex: hash
