c:
  file.managed:
    - name: @ROOT@/c
    - contents: x
    - makedirs: "no"
d:
  cmd.run:
    - name: [a, b]
e:
  cmd.run:
    - name: 5
