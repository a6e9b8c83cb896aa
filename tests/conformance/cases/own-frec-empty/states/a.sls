one:
  file.recurse:
    - name: @ROOT@/one
    - source: salt://d
    - include_empty: True
two:
  file.recurse:
    - name: @ROOT@/two
    - source: salt://d
    - replace: False
three:
  file.recurse:
    - name: @ROOT@/three
    - source: d
four:
  file.recurse:
    - name: @ROOT@/four
    - source: salt://d
    - mode: '0700'
