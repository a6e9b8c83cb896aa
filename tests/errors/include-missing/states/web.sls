include:
  - nowhere.at.all
web: test.nop
