x:
  file.managed.extra:
    - name: @ROOT@/x
