h:
  file.hardlink:
    - name: @ROOT@/hard
    - target: @ROOT@/t
again:
  file.hardlink:
    - name: @ROOT@/hard
    - target: @ROOT@/t
over:
  file.hardlink:
    - name: @ROOT@/other
    - target: @ROOT@/t
force:
  file.hardlink:
    - name: @ROOT@/other2
    - target: @ROOT@/t
    - force: True
