p: {list: [a, b]}
