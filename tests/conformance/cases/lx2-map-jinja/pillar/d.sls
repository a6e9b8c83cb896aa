app: {lookup: {z: 9}}
