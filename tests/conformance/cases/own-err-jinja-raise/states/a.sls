{{ raise('not today') }}
