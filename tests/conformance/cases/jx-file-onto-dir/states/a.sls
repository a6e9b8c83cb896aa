a:
  file.managed:
    - name: @ROOT@/d
    - contents: x
b:
  file.symlink:
    - name: @ROOT@/d
    - target: /x
c:
  file.touch:
    - name: @ROOT@/d
d:
  file.append:
    - name: @ROOT@/d
    - text: x
e:
  file.replace:
    - name: @ROOT@/d
    - pattern: x
    - repl: y
f:
  file.directory:
    - name: @ROOT@/f
g:
  file.copy:
    - name: @ROOT@/d
    - source: @ROOT@/f
h:
  file.rename:
    - name: @ROOT@/d
    - source: @ROOT@/f
i:
  file.line:
    - name: @ROOT@/d
    - content: x
    - mode: insert
    - location: end
j:
  file.blockreplace:
    - name: @ROOT@/d
k:
  file.recurse:
    - name: @ROOT@/f
    - source: salt://src
l:
  file.keyvalue:
    - name: @ROOT@/d
    - key: a
    - value: b
m:
  file.prepend:
    - name: @ROOT@/d
    - text: x
n:
  file.comment:
    - name: @ROOT@/d
    - regex: x
o:
  file.hardlink:
    - name: @ROOT@/d
    - target: @ROOT@/f
p:
  file.directory:
    - name: @ROOT@/f
    - force: True
q:
  file.exists:
    - name: @ROOT@/d
r:
  file.missing:
    - name: @ROOT@/d
