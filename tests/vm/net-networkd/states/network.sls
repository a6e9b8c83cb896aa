include: [guide, names, apart]
