t:
  file.managed:
    - name: @ROOT@/nd/t
    - contents: t
    - retry: {attempts: 2, interval: 0}
p:
  cmd.run:
    - name: mkdir @ROOT@/nd
    - prereq:
      - file: t
