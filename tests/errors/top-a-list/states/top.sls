- base:
    '*': [web]
