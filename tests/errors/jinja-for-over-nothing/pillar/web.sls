ports: [80]
