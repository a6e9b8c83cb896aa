include: [b]
