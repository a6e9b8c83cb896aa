
a:
  file.decode:
    - name: @ROOT@/a
    - encoded_data: aGVsbG8K
    - encoding_type: base64
b:
  file.decode:
    - name: @ROOT@/a
    - encoded_data: aGVsbG8K
c:
  file.tidied:
    - name: @ROOT@/t
    - matches: ['.*\.log$']
    - age: -1
d:
  file.tidied:
    - name: @ROOT@/none
    - matches: ['.*']
e:
  file.pruned:
    - name: @ROOT@/p
    - recurse: True
