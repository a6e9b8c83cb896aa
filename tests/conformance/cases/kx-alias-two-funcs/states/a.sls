a:
  file.touch: &l
    - name: @ROOT@/x
  file.exists: *l
