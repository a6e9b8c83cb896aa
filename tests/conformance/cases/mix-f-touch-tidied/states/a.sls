
t:
  file.touch:
    - name: @ROOT@/t
t2:
  file.touch:
    - name: @ROOT@/no/t
t3:
  file.touch:
    - name: @ROOT@/mk/t
    - makedirs: True
ti:
  file.tidied:
    - name: @ROOT@/dir
    - matches: ['^a.*']
    - age: 0
    - rmdirs: True
