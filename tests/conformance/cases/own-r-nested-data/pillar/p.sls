m: {opts: {b: 2}}
