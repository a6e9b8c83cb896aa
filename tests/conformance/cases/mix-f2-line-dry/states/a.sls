
a:
  file.line:
    - name: @ROOT@/f
    - mode: delete
    - match: one
b:
  file.line:
    - name: @ROOT@/f
    - mode: delete
    - match: nope
c:
  file.line:
    - name: @ROOT@/f
    - mode: replace
    - match: two
    - content: TWO
d:
  file.line:
    - name: @ROOT@/none
    - mode: delete
    - match: x
