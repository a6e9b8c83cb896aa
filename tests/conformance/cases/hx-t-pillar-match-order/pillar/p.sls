tier: front
deep: {list: [one, two]}
