a:
  file.managed:
    - name: @ROOT@/a
    - source: salt://src.txt
b:
  file.managed:
    - name: @ROOT@/b
    - source: salt://src.txt
c:
  file.managed:
    - name: @ROOT@/x/c
    - contents: x
d:
  file.managed:
    - name: @ROOT@/x/d
    - contents: x
    - makedirs: True
e:
  file.managed:
    - name: @ROOT@/b
    - contents: line
    - mode: '0600'
f:
  file.managed:
    - name: @ROOT@/b
    - replace: False
    - contents: q
g:
  file.managed:
    - name: @ROOT@/g
    - contents: q
    - create: False
h:
  file.managed:
    - name: @ROOT@/h
    - source: salt://none
i:
  file.managed:
    - name: @ROOT@/i
j:
  file.managed:
    - name: @ROOT@/b
k:
  file.managed:
    - name: @ROOT@/dir
    - contents: x
l:
  file.managed:
    - name: @ROOT@/l
    - contents: x
    - user: nosuch
m:
  file.directory:
    - name: @ROOT@/dir
n:
  file.directory:
    - name: @ROOT@/newdir/deep
o:
  file.directory:
    - name: @ROOT@/newdir/deep
    - makedirs: True
p:
  file.directory:
    - name: @ROOT@/b
q:
  file.absent:
    - name: @ROOT@/none
r:
  file.symlink:
    - name: @ROOT@/b
    - target: x
s:
  file.replace:
    - name: @ROOT@/none
    - pattern: x
    - repl: y
t:
  file.append:
    - name: @ROOT@/none
    - text: x
u:
  file.append:
    - name: @ROOT@/b
    - text: line
v:
  file.touch:
    - name: @ROOT@/t
w:
  file.copy:
    - name: @ROOT@/w
    - source: @ROOT@/none
x:
  file.rename:
    - name: @ROOT@/w
    - source: @ROOT@/b
y:
  file.recurse:
    - name: @ROOT@/y
    - source: salt://dd
z:
  file.recurse:
    - name: @ROOT@/z
    - source: salt://none
aa:
  file.blockreplace:
    - name: @ROOT@/b
    - content: x
    - append_if_not_found: True
bb:
  file.comment:
    - name: @ROOT@/b
    - regex: ^line
cc:
  file.uncomment:
    - name: @ROOT@/b
    - regex: line
dd:
  file.keyvalue:
    - name: @ROOT@/b
    - key: a
    - value: b
    - append_if_not_found: True
ee:
  file.serialize:
    - name: @ROOT@/ee
    - dataset: {a: 1}
ff:
  file.prepend:
    - name: @ROOT@/b
    - text: x
gg:
  file.exists:
    - name: @ROOT@/none
hh:
  file.missing:
    - name: @ROOT@/none
ii:
  file.hardlink:
    - name: @ROOT@/hl
    - target: @ROOT@/b
jj:
  ini.options_present:
    - name: @ROOT@/i.ini
    - sections: {a: {b: c}}
kk:
  file.tidied:
    - name: @ROOT@/dir
ll:
  file.decode:
    - name: @ROOT@/ll
    - encoded_data: YQ==
mm:
  file.line:
    - name: @ROOT@/b
    - mode: delete
    - content: line
oo:
  module.run:
    - test.echo:
      - text: x
pp:
  host.present:
    - name: labtest.example
    - ip: 203.0.113.9
qq:
  cron.present:
    - name: labtest
    - user: root
