s:
  file.blockreplace:
    - name: @ROOT@/s
    - marker_start: '# S'
    - marker_end: '# E'
    - source: salt://blk.j2
    - template: jinja
    - context: {port: 80}
    - append_if_not_found: True
d:
  file.blockreplace:
    - name: @ROOT@/d
    - marker_start: '# S'
    - marker_end: '# E'
    - source: salt://blk.j2
    - template: jinja
    - defaults: {port: 81}
ind:
  file.blockreplace:
    - name: @ROOT@/ind
    - marker_start: '# S'
    - marker_end: '# E'
    - content: "a\nb"
    - show_changes: False
nb:
  file.blockreplace:
    - name: @ROOT@/nb
    - marker_start: '# S'
    - marker_end: '# E'
    - content: "a\nb\n"
    - append_newline: False
    - backup: False
