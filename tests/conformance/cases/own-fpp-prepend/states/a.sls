a:
  file.prepend:
    - name: @ROOT@/a
    - text: first
b:
  file.prepend:
    - name: @ROOT@/b
    - text:
      - l1
      - l2
c:
  file.prepend:
    - name: @ROOT@/c
    - text:
      - head
      - body
    - header: True
d:
  file.prepend:
    - name: @ROOT@/d
    - source: salt://s.txt
e:
  file.prepend:
    - name: @ROOT@/e/f
    - text: x
    - makedirs: True
