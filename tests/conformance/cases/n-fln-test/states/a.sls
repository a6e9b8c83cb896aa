a:
  file.line:
    - name: @ROOT@/f
    - mode: replace
    - match: one
    - content: '1'
b:
  file.line:
    - name: @ROOT@/f
    - mode: ensure
    - after: one
    - content: two
c:
  file.line:
    - name: @ROOT@/none
    - mode: insert
    - location: end
    - content: two
