include:
  - b:
      key: sub:deep
x: 1
sub: {own: 1}
