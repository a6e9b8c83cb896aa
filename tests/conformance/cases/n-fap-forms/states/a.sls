list:
  file.append:
    - name: @ROOT@/list
    - text:
      - one
      - two
      - three
again:
  file.append:
    - name: @ROOT@/list
    - text:
      - two
      - 4
multi:
  file.append:
    - name: @ROOT@/multi
    - text: |
        a
        b
multi2:
  file.append:
    - name: @ROOT@/multi
    - text: "a\nc"
src:
  file.append:
    - name: @ROOT@/src
    - source: salt://s.txt
tpl:
  file.append:
    - name: @ROOT@/tpl
    - source: salt://t.txt
    - template: jinja
    - context: {v: 1}
srcs:
  file.append:
    - name: @ROOT@/srcs
    - sources:
      - salt://s.txt
      - salt://t.txt
mk:
  file.append:
    - name: @ROOT@/x/y
    - text: q
    - makedirs: True
nomk:
  file.append:
    - name: @ROOT@/z/y
    - text: q
ic:
  file.append:
    - name: @ROOT@/list
    - text: '   two   '
iw:
  file.append:
    - name: @ROOT@/list
    - text: '   two   '
    - ignore_whitespace: False
pre:
  file.prepend:
    - name: @ROOT@/pre
    - text:
      - h1
      - h2
pre2:
  file.prepend:
    - name: @ROOT@/pre
    - text: h1
hdr:
  file.prepend:
    - name: @ROOT@/pre
    - text: h2
    - header: True
re:
  file.append:
    - name: @ROOT@/re
    - text: 'a.c'
num:
  file.append:
    - name: @ROOT@/re
    - text: 5
