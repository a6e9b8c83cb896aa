three: 1
