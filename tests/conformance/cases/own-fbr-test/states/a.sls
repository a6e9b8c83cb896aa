a:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '# S'
    - marker_end: '# E'
    - content: new
b:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '# S'
    - marker_end: '# E'
    - content: old
c:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '# X'
    - marker_end: '# Y'
    - content: old
    - append_if_not_found: True
