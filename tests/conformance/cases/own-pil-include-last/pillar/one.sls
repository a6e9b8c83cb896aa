k: one
include:
  - two
  - three
