a:
  file.symlink:
    - name: @ROOT@/link
    - target: @ROOT@/real
b:
  file.managed:
    - name: @ROOT@/link
    - contents: through
c:
  file.symlink:
    - name: @ROOT@/link2
    - target: @ROOT@/real2
d:
  file.managed:
    - name: @ROOT@/link2
    - contents: replaced
    - follow_symlinks: False
