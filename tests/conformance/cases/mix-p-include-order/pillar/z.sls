w: z
m: {k: z}
