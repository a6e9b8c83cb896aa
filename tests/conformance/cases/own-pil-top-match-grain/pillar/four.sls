four: 1
