web: 1
db: 2
web: 3
