a:
  file.tidied:
    - name: @ROOT@/t
    - age: 0
    - matches:
      - '.*\.log'
b:
  file.tidied:
    - name: @ROOT@/gone
c:
  file.tidied:
    - name: @ROOT@/u
    - age: 0
    - rmdirs: True
    - matches: ['old.*']
