b: {{ nope }}
