conf:
  file.managed:
    - name: @ROOT@/conf
    - source: salt://t.j2
    - template: jinja
one:
  file.accumulated:
    - name: hosts
    - filename: @ROOT@/conf
    - text: h1
    - require_in:
      - file: conf
two:
  file.accumulated:
    - name: hosts
    - filename: @ROOT@/conf
    - text:
      - h2
      - h3
    - watch_in:
      - file: conf
dup:
  file.accumulated:
    - name: hosts
    - filename: @ROOT@/conf
    - text: h1
    - require_in:
      - file: conf
lost:
  file.accumulated:
    - name: hosts
    - filename: @ROOT@/conf
    - text: h9
blk:
  file.blockreplace:
    - name: @ROOT@/blk
    - marker_start: '# S'
    - marker_end: '# E'
    - content: 'first'
    - append_if_not_found: True
acc:
  file.accumulated:
    - name: blk-acc
    - filename: @ROOT@/blk
    - text: second
    - require_in:
      - file: blk
