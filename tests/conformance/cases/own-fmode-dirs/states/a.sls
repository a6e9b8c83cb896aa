a:
  file.managed:
    - name: @ROOT@/a/b/c
    - contents: x
    - makedirs: True
    - mode: '0444'
b:
  file.managed:
    - name: @ROOT@/d/b/c
    - contents: x
    - makedirs: True
    - mode: '2644'
c:
  file.directory:
    - name: @ROOT@/x/y
    - makedirs: True
    - mode: '0500'
d:
  file.append:
    - name: @ROOT@/ap/y/z
    - text: x
    - makedirs: True
e:
  file.touch:
    - name: @ROOT@/to/y/z
    - makedirs: True
f:
  file.symlink:
    - name: @ROOT@/sy/y/z
    - target: /x
    - makedirs: True
    - mode: '0700'
g:
  file.copy:
    - name: @ROOT@/co/y/z
    - source: @ROOT@/src
    - makedirs: True
h:
  file.serialize:
    - name: @ROOT@/se/y/z
    - dataset: {}
    - makedirs: True
    - mode: '0600'
