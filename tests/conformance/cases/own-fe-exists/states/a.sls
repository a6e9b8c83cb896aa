e1:
  file.exists:
    - name: @ROOT@/f
e2:
  file.exists:
    - name: @ROOT@/gone
m1:
  file.missing:
    - name: @ROOT@/f
m2:
  file.missing:
    - name: @ROOT@/gone
