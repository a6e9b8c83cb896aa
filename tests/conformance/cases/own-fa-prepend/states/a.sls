a:
  file.prepend:
    - name: @ROOT@/f
    - text: zero
b:
  file.prepend:
    - name: @ROOT@/f
    - text: [one, minus]
c:
  file.prepend:
    - name: @ROOT@/f
    - text: |
        x
        y
    - header: True
d:
  file.prepend:
    - name: @ROOT@/new
    - text: z
e:
  file.prepend:
    - name: @ROOT@/f
    - text: [h1, x]
    - header: True
