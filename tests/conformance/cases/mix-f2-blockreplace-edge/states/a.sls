
a:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '# s'
    - marker_end: '# e'
    - content: new
    - backup: False
b:
  file.blockreplace:
    - name: @ROOT@/g
    - marker_start: '# s'
    - marker_end: '# e'
    - content: "new\n"
    - append_newline: True
    - backup: False
c:
  file.blockreplace:
    - name: @ROOT@/h
    - marker_start: '# s'
    - marker_end: '# e'
    - content: x
    - append_if_not_found: True
    - append_newline: False
    - backup: False
d:
  file.blockreplace:
    - name: @ROOT@/i
    - content: x
    - append_if_not_found: True
    - backup: False
e:
  file.blockreplace:
    - name: @ROOT@/j
    - marker_start: '# s'
    - marker_end: '# e'
    - content: "  two\n  lines\n\n"
    - insert_before_match: '^mid'
    - backup: False
f:
  file.blockreplace:
    - name: @ROOT@/none
    - marker_start: '# s'
    - marker_end: '# e'
    - content: x
g:
  file.blockreplace:
    - name: @ROOT@/k
    - marker_start: '# s'
    - marker_end: '# e'
    - content: x
    - show_changes: False
