nums: [3, 1, 2]
