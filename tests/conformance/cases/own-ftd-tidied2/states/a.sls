a:
  file.tidied:
    - name: @ROOT@/d
    - matches: ['.*\.log']
    - age: 0
b:
  file.tidied:
    - name: @ROOT@/d
    - age: 0
    - rmdirs: True
c:
  file.tidied:
    - name: @ROOT@/nope
