data: {k: [1, {z: 2}]}
