f:
  file.append:
    - name: @ROOT@/f
    - source: salt://t
    - template: jinja
    - context: {v: 1}
g:
  file.prepend:
    - name: @ROOT@/f
    - source: salt://t2
    - template: jinja
h:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: S
    - marker_end: E
    - source: salt://t
    - template: jinja
    - context: {v: 7}
    - append_if_not_found: True
    - backup: False
