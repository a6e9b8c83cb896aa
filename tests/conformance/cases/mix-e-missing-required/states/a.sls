a:
  file.copy:
    - name: @ROOT@/x
b:
  file.symlink: []
c:
  file.replace:
    - name: @ROOT@/x
    - pattern: x
d:
  cmd.run:
    - cwd: /
