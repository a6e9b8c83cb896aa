a:
  file.blockreplace:
    - name: @ROOT@/a
    - marker_start: '# START'
    - marker_end: '# END'
    - content: |
        new1
        new2
b:
  file.blockreplace:
    - name: @ROOT@/b
    - marker_start: '# START'
    - marker_end: '# END'
    - content: appended
    - append_if_not_found: True
c:
  file.blockreplace:
    - name: @ROOT@/c
    - marker_start: '# START'
    - marker_end: '# END'
    - content: prepended
    - prepend_if_not_found: True
d:
  file.blockreplace:
    - name: @ROOT@/d
    - marker_start: '# START'
    - marker_end: '# END'
    - content: x
e:
  file.blockreplace:
    - name: @ROOT@/e
    - marker_start: '# START'
    - marker_end: '# END'
    - content: same
    - backup: False
f:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '# START'
    - marker_end: '# END'
    - source: salt://s.txt
    - append_newline: True
g:
  file.blockreplace:
    - name: @ROOT@/g
    - marker_start: '# START'
    - marker_end: '# END'
    - content: x
h:
  file.blockreplace:
    - name: @ROOT@/h
    - marker_start: '# START'
    - marker_end: '# END'
    - content: after line
    - insert_after_match: '^two'
    - append_if_not_found: True
acc:
  file.blockreplace:
    - name: @ROOT@/acc
    - marker_start: '# START'
    - marker_end: '# END'
    - content: base
    - append_if_not_found: True
accum:
  file.accumulated:
    - name: my-acc
    - filename: @ROOT@/acc
    - text: piled up
    - require_in:
      - file: acc
