a: {test.nop: [}
