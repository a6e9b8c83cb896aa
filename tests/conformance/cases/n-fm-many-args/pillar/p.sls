txt: {a: "A\n", b: B, none: ''}
