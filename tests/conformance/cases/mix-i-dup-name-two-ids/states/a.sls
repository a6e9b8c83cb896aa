include: [b]
x:
  file.managed:
    - name: @ROOT@/f
    - contents: 1
