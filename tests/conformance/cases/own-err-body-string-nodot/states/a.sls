x: nonsense
