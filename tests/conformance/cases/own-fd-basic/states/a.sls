a:
  file.directory:
    - name: @ROOT@/a
b:
  file.directory:
    - name: @ROOT@/a
c:
  file.directory:
    - name: @ROOT@/x/y/z
d:
  file.directory:
    - name: @ROOT@/p/q/r
    - makedirs: True
    - mode: '0750'
e:
  file.directory:
    - name: @ROOT@/f
f:
  file.directory:
    - name: @ROOT@/f
    - force: True
g:
  file.directory:
    - name: @ROOT@/l
    - mode: '0700'
h:
  file.directory:
    - name: @ROOT@/h
    - mode: 0711
    - user: root
    - group: nosuch
i:
  file.directory:
    - name: @ROOT@/i
    - dir_mode: '0701'
j:
  file.directory:
    - name: @ROOT@/j
    - mode: '2775'
k:
  file.directory:
    - name: @ROOT@/k
    - mode: '0700'
    - dir_mode: '0755'
