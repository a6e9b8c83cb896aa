bad: 1
