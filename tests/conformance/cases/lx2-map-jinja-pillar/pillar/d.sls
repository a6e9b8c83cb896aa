app: {o: {y: 2}}
