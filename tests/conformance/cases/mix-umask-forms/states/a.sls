
a:
  file.directory:
    - name: @ROOT@/a
    - umask: '077'
b:
  file.touch:
    - name: @ROOT@/b
    - umask: '027'
c:
  file.append:
    - name: @ROOT@/c
    - text: x
    - umask: '077'
d:
  file.managed:
    - name: @ROOT@/d
    - contents: x
    - umask: '027'
e:
  cmd.run:
    - name: touch @ROOT@/e; mkdir @ROOT@/f
    - umask: '077'
g:
  file.directory:
    - name: @ROOT@/g/h/i
    - makedirs: True
    - umask: '027'
j:
  file.copy:
    - name: @ROOT@/j
    - source: @ROOT@/d
    - umask: '077'
k:
  file.managed:
    - name: @ROOT@/k
    - contents: x
