h:
  file.hardlink:
    - name: @ROOT@/h
    - target: @ROOT@/t
again:
  file.hardlink:
    - name: @ROOT@/h
    - target: @ROOT@/t
ex:
  file.hardlink:
    - name: @ROOT@/ex
    - target: @ROOT@/t
exf:
  file.hardlink:
    - name: @ROOT@/exf
    - target: @ROOT@/t
    - force: True
no:
  file.hardlink:
    - name: @ROOT@/no
    - target: @ROOT@/none
dir:
  file.hardlink:
    - name: @ROOT@/hd
    - target: @ROOT@/d
mk:
  file.hardlink:
    - name: @ROOT@/x/y
    - target: @ROOT@/t
    - makedirs: True
rel:
  file.hardlink:
    - name: @ROOT@/rel
    - target: t
