a:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '# START'
    - marker_end: '# END'
    - content: new
    - backup: False
b:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '# START'
    - marker_end: '# END'
    - content: new
c:
  file.blockreplace:
    - name: @ROOT@/g
    - marker_start: '# START'
    - marker_end: '# END'
    - content: new
d:
  file.blockreplace:
    - name: @ROOT@/g
    - marker_start: '# START'
    - marker_end: '# END'
    - content: |
        l1
        l2
    - append_if_not_found: True
    - backup: .b
e:
  file.blockreplace:
    - name: @ROOT@/g
    - marker_start: '# S2'
    - marker_end: '# E2'
    - content: p
    - prepend_if_not_found: True
    - backup: False
f:
  file.blockreplace:
    - name: @ROOT@/nope
    - marker_start: a
    - marker_end: b
    - content: c
g:
  file.blockreplace:
    - name: @ROOT@/g
    - marker_start: '# S2'
    - marker_end: '# NOEND'
    - content: p
h:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '# START'
    - marker_end: '# END'
    - content: nonl
    - append_newline: False
    - backup: False
i:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '# START'
    - marker_end: '# END'
    - content: withnl
    - append_newline: True
    - backup: False
