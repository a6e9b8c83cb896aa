include:
  - .sib
  - .sub
