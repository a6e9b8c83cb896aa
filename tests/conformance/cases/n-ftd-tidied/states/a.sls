t:
  file.tidied:
    - name: @ROOT@/t
    - age: 0
    - matches:
      - '.*\.log'
s:
  file.tidied:
    - name: @ROOT@/s
    - age: 0
    - size: 1k
    - recurse: True
d:
  file.tidied:
    - name: @ROOT@/d
    - rmdirs: True
    - recurse: True
x:
  file.tidied:
    - name: @ROOT@/none
old:
  file.tidied:
    - name: @ROOT@/t
    - age: 7
