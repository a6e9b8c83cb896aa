
a:
  file.prepend:
    - name: @ROOT@/f
    - text: [one, two]
b:
  file.prepend:
    - name: @ROOT@/g
    - header: True
    - text: [h1, h2]
c:
  file.prepend:
    - name: @ROOT@/h
    - text: x
