b:
  file.line:
    - name: @ROOT@/f
    - mode: replace
    - match: two
    - content: '2'
    - show_changes: False
    - file_mode: '0600'
c:
  file.line:
    - name: @ROOT@/new
    - mode: insert
    - location: end
    - content: line
    - create: True
    - file_mode: '0600'
