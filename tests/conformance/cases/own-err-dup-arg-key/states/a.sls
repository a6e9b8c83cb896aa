x:
  file.serialize:
    - name: @ROOT@/x
    - dataset:
        k: 1
        k: 2
