a:
  file.append:
    - name: @ROOT@/a
    - text: one line
b:
  file.append:
    - name: @ROOT@/b
    - text:
      - l1
      - l2
      - l1
c:
  file.append:
    - name: @ROOT@/c
    - text: |
        multi
        line
d:
  file.append:
    - name: @ROOT@/d/e
    - text: x
    - makedirs: True
e:
  file.append:
    - name: @ROOT@/f/g
    - text: x
f:
  file.append:
    - name: @ROOT@/src
    - source: salt://s.txt
g:
  file.append:
    - name: @ROOT@/tpl
    - source: salt://t.txt
    - template: jinja
h:
  file.append:
    - name: @ROOT@/h
    - text: spaced   out
i:
  file.append:
    - name: @ROOT@/a
    - text: one line
    - ignore_whitespace: False
