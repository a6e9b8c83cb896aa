one:
  file.recurse:
    - name: @ROOT@/one
    - source: salt://d
same:
  file.recurse:
    - name: @ROOT@/t
    - source: salt://d
clean:
  file.recurse:
    - name: @ROOT@/u
    - source: salt://d
    - clean: True
