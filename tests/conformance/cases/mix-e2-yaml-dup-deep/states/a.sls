a:
  file.managed:
    - name: @ROOT@/x
    - context:
        k: {z: 1}
        k: {z: 2}
