x:
  file.managed: @ROOT@/x
