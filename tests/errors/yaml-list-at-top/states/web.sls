- web:
    test.nop: []
