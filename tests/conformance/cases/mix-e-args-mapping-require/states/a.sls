a:
  file.managed:
    name: @ROOT@/f
    contents: x
