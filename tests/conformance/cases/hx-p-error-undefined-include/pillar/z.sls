q: {{ nothere.attr }}
