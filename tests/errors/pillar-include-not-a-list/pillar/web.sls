include: common
web: 1
