p:
  file.pruned:
    - name: @ROOT@/pr
ne:
  file.pruned:
    - name: @ROOT@/ne
r:
  file.pruned:
    - name: @ROOT@/rec
    - recurse: True
