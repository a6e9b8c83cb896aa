two: 1
