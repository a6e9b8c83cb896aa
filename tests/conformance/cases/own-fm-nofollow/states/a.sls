l:
  file.managed:
    - name: @ROOT@/l
    - contents: new
    - follow_symlinks: False
