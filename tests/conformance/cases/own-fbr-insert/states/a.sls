a:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '<'
    - marker_end: '>'
    - content: mid
    - insert_after_match: alpha
    - backup: False
b:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '{'
    - marker_end: '}'
    - content: mid
    - insert_before_match: beta
    - backup: False
c:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '['
    - marker_end: ']'
    - source: salt://c.txt
    - template: jinja
    - context: {v: 1}
    - append_if_not_found: True
    - backup: False
d:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: '('
    - marker_end: ')'
    - content: z
    - insert_before_match: nope
    - backup: False
