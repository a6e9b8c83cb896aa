include: [y2]
k: 1
