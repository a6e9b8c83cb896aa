
a:
  file.managed:
    - name: @ROOT@/a
    - source:
      - salt://none
      - salt://{{ grains.id }}/f
      - salt://f
b:
  file.managed:
    - name: @ROOT@/b
    - source: salt://f?saltenv=base
c:
  file.managed:
    - name: @ROOT@/c
    - source: @ROOT@/local
d:
  file.managed:
    - name: @ROOT@/d
    - source: file://@ROOT@/local
e:
  file.managed:
    - name: @ROOT@/e
    - source: salt://none
f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://dir
g:
  file.managed:
    - name: @ROOT@/g
    - source: salt://f
    - source_hash: md5=00000000000000000000000000000000
h:
  file.managed:
    - name: @ROOT@/h
    - source: @ROOT@/local
    - source_hash: sha256=2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
i:
  file.managed:
    - name: @ROOT@/i
    - source: @ROOT@/local
    - source_hash: 5d41402abc4b2a76b9719d911017c592
j:
  file.managed:
    - name: @ROOT@/j
    - source: @ROOT@/local
    - source_hash: wrong
k:
  file.managed:
    - name: @ROOT@/dirhere
    - source: salt://f
l:
  file.managed:
    - name: @ROOT@/l
    - source: []
m:
  file.managed:
    - name: @ROOT@/m
    - source: ''
n:
  file.managed:
    - name: @ROOT@/n
    - source: salt://sub/../f
o:
  file.managed:
    - name: @ROOT@/o
    - source: salt:///f
