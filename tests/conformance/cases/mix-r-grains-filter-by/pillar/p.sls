m: {opt: {c: 3}}
