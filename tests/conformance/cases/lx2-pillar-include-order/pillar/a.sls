k: from-a
include:
  - b
  - c
