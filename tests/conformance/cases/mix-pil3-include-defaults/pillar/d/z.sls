include: [.w]
z: 1
