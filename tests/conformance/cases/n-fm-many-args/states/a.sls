a:
  file.managed:
    - name: @ROOT@/a
    - source: salt://src.txt
    - source_hash: {{ 'line\n'|sha256 }}
b:
  file.managed:
    - name: @ROOT@/b
    - source: salt://src.txt
    - source_hash: sha256=0000
c:
  file.managed:
    - name: @ROOT@/sub/c
    - source: salt://src.txt
    - makedirs: True
    - dir_mode: '0700'
    - mode: '0600'
d:
  file.managed:
    - name: @ROOT@/d
    - source: salt://exe.sh
    - mode: keep
e:
  file.managed:
    - name: @ROOT@/e
    - contents: a
    - replace: False
e2:
  file.managed:
    - name: @ROOT@/e
    - contents: b
    - replace: False
    - mode: '0600'
g:
  file.managed:
    - name: @ROOT@/g
    - source: @ROOT@/local
h:
  file.managed:
    - name: @ROOT@/h
    - source: file://@ROOT@/local
i:
  file.managed:
    - name: @ROOT@/i
    - contents_pillar: txt:a
j:
  file.managed:
    - name: @ROOT@/j
    - contents_pillar: [txt:a, txt:b]
k:
  file.managed:
    - name: @ROOT@/k
    - contents_grains: gk
l:
  file.managed:
    - name: @ROOT@/l
    - contents_pillar: txt:none
    - allow_empty: True
m:
  file.managed:
    - name: @ROOT@/m
    - contents: "x"
    - tmp_ext: .tmp
n:
  file.managed:
    - name: @ROOT@/n
    - contents: é
    - encoding: latin-1
o:
  file.managed:
    - name: @ROOT@/o
    - contents: é
    - encoding: ascii
    - encoding_errors: ignore
p:
  file.managed:
    - name: @ROOT@/link
    - contents: via link
q:
  file.managed:
    - name: @ROOT@/link2
    - contents: no follow
    - follow_symlinks: False
r:
  file.managed:
    - name: @ROOT@/r
    - contents:
      - one
      - two
    - contents_newline: False
s:
  file.managed:
    - names:
      - @ROOT@/s1
      - @ROOT@/s2:
        - source: salt://exe.sh
      - @ROOT@/s3:
        - contents: s3
        - mode: '0600'
    - source: salt://src.txt
t:
  file.managed:
    - name: @ROOT@/t
    - source: salt://src.txt?saltenv=base
u:
  file.managed:
    - name: @ROOT@/u
    - contents: ""
    - show_changes: False
v:
  file.managed:
    - name: @ROOT@/v
    - contents: 'x'
    - backup: minion
    - attrs: ''
w:
  file.managed:
    - name: @ROOT@/w
    - source: salt://src.txt
    - contents_pillar: txt:a
x:
  file.managed:
    - name: @ROOT@/x
    - source: []
y:
  file.managed:
    - name: @ROOT@/dir/
    - contents: x
z:
  file.managed:
    - name: ''
    - contents: x
skip:
  file.managed:
    - name: @ROOT@/skip
    - source: salt://src.txt
    - skip_verify: True
    - keep_source: False
unk:
  file.managed:
    - name: @ROOT@/unk
    - contents: x
    - unknown_arg: 5
