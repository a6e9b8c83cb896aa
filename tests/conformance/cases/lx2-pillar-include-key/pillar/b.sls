val: 1
