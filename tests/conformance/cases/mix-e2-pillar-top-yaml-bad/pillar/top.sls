base: [
