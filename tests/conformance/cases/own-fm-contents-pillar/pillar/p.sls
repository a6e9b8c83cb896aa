a:
  b: from pillar
list: [x, y]
